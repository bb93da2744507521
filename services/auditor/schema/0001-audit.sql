-- The audit slice: who did what, as a chain of hashes for each tenant, and the signed heads of the chains.
-- Owned by nwims_auditor_owner, which only migrates. The role that works, nwims_auditor, may insert and select, nothing else; new months are
-- made by a function that runs as the owner. Rows are seen one tenant at a time; tenant 0 stands for records in which none is known.

-- One chain a tenant. Rows are never changed, so what the sequence is at is read from the records themselves.
CREATE TABLE audit.chain (
    tenant_id integer     PRIMARY KEY CHECK (tenant_id >= 0),
    began_at  timestamptz NOT NULL
);

-- Partitioned by the month in which a record was stored, by the clock of PostgreSQL: it never goes back along a chain, so a month is a piece
-- of each chain. sequence has no gap; hash = SHA-256(previous and the record), byte for byte in services/auditor/chain.h.
CREATE TABLE audit.record (
    recorded_at timestamptz NOT NULL,
    happened_at timestamptz NOT NULL,
    sequence    bigint      NOT NULL CHECK (sequence > 0),
    id          uuid        NOT NULL,
    tenant_id   integer     NOT NULL CHECK (tenant_id >= 0),
    outcome     text        NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed')),
    action      text        NOT NULL,
    actor       text,
    entity      text,
    entity_id   text,
    peer        text,
    request_id  text,
    trace_id    text,
    detail      text,
    previous    bytea       NOT NULL CHECK (length(previous) = 32),
    hash        bytea       NOT NULL CHECK (length(hash) = 32)
) PARTITION BY RANGE (recorded_at);
-- For verifying from a time on.
CREATE INDEX record_stored ON audit.record (tenant_id, recorded_at, sequence);
-- For lists, the newest first, by each filter.
CREATE INDEX record_time ON audit.record (tenant_id, happened_at, sequence);
CREATE INDEX record_actor ON audit.record (tenant_id, actor, happened_at, sequence);
CREATE INDEX record_action ON audit.record (tenant_id, action, happened_at, sequence);
CREATE INDEX record_entity ON audit.record (tenant_id, entity, entity_id, happened_at, sequence);
CREATE INDEX record_request ON audit.record (tenant_id, request_id, happened_at, sequence);
CREATE INDEX record_not_ok ON audit.record (tenant_id, outcome, happened_at, sequence) WHERE outcome <> 'ok';

-- jws is a JSON Web Signature over the other columns but kid, which stands in its header (services/auditor/head.h).
CREATE TABLE audit.head (
    tenant_id integer     NOT NULL REFERENCES audit.chain,
    ends_at   timestamptz NOT NULL,
    sequence  bigint      NOT NULL CHECK (sequence >= 0),
    hash      bytea       NOT NULL CHECK (length(hash) = 32),
    previous  bytea       NOT NULL CHECK (length(previous) = 32),
    signed_at timestamptz NOT NULL,
    kid       text        NOT NULL,
    jws       text        NOT NULL,
    PRIMARY KEY (tenant_id, ends_at)
);
COMMENT ON COLUMN audit.head.previous IS 'SHA-256 of the jws of the head before; zeroes for the first';

CREATE TABLE audit.signing_key (
    kid         text        PRIMARY KEY,
    private_key bytea       NOT NULL,
    x           text        NOT NULL,
    y           text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN audit.signing_key.private_key IS 'PEM, wrapped with AES-256-GCM under the master key; who cannot wrap cannot put a key of his own here';

ALTER TABLE audit.record ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.head ENABLE ROW LEVEL SECURITY;
-- The setting is empty, not absent, in a session whose transaction has ended. 0 is a tenant here, and what a transaction without one names.
CREATE POLICY record_tenant ON audit.record USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY head_tenant ON audit.head USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

-- Makes the partition of the month (UTC) that a time lies in, if it is not there: at most the month after the present one. Attached by itself
-- rather than made with PARTITION OF, which would lock out everyone who reads. Nobody has a right on a partition itself.
CREATE FUNCTION audit.make_month(wanted timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    begins date := date_trunc('month', wanted)::date;
    ends   date := (date_trunc('month', wanted) + interval '1 month')::date;
    name   text := 'record_' || to_char(wanted, 'YYYY_MM');
BEGIN
    IF wanted < now() - interval '1 day' OR wanted > date_trunc('month', now()) + interval '2 months' THEN
        RAISE EXCEPTION 'no partition for %: not this month or the next', wanted USING ERRCODE = 'check_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('audit.make_month', 0));
    IF to_regclass('audit.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE audit.%I (LIKE audit.record INCLUDING DEFAULTS INCLUDING CONSTRAINTS, '
        'CONSTRAINT bounds CHECK (recorded_at >= %L AND recorded_at < %L))', name, begins, ends);
    EXECUTE format('CREATE UNIQUE INDEX %I ON audit.%I (tenant_id, sequence)', name || '_sequence', name);
    EXECUTE format('CREATE UNIQUE INDEX %I ON audit.%I (id)', name || '_id', name);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('REVOKE ALL ON audit.%I FROM PUBLIC', name);
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_auditor') THEN
        EXECUTE format('REVOKE ALL ON audit.%I FROM nwims_auditor', name);
    END IF;
    EXECUTE format('ALTER TABLE audit.record ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)', name, begins, ends);
    EXECUTE format('ALTER TABLE audit.%I DROP CONSTRAINT bounds', name);
END
$$;
REVOKE ALL ON FUNCTION audit.make_month FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_auditor') THEN
        GRANT USAGE ON SCHEMA audit TO nwims_auditor;
        -- Default privileges of the schema, if there are any, would give more.
        REVOKE ALL ON ALL TABLES IN SCHEMA audit FROM nwims_auditor;
        GRANT SELECT, INSERT ON audit.chain, audit.record, audit.head, audit.signing_key TO nwims_auditor;
        GRANT SELECT ON audit.schema_migration TO nwims_auditor;
        GRANT EXECUTE ON FUNCTION audit.make_month TO nwims_auditor;
    END IF;
END
$$;
