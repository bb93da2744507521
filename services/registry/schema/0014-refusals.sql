-- What devices and callers sent and we could not take: kept raw, for a while, to be looked at and taken up again; and counted by day.
CREATE TABLE registry.refusal (
    tenant_id       integer     NOT NULL CHECK (tenant_id > 0),
    id              uuid        NOT NULL,
    received_at     timestamptz NOT NULL,
    protocol        text        NOT NULL,
    reason          text        NOT NULL,
    state           text        NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'accepted', 'partly', 'refused')),
    detail          text,
    device_id       uuid,
    actor           text,
    peer            text,
    codec           text,
    content_type    text,
    raw             bytea,
    size            bigint      NOT NULL DEFAULT 0,
    readings        bigint,
    replay_job      uuid,
    replayed_at     timestamptz,
    replayed_by     text,
    replay_accepted bigint,
    replay_refused  bigint,
    replay_detail   text,
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON COLUMN registry.refusal.size IS 'of the whole body; raw is its beginning';
COMMENT ON COLUMN registry.refusal.replay_job IS 'the job that is to take it up again';
CREATE INDEX refusal_by_time ON registry.refusal (tenant_id, received_at, id);
CREATE INDEX refusal_by_device ON registry.refusal (tenant_id, device_id, received_at, id);
CREATE INDEX refusal_of_job ON registry.refusal (tenant_id, replay_job) WHERE replay_job IS NOT NULL;
-- Without the tenant in front: for what time alone decides, over all tenants.
CREATE INDEX refusal_by_age ON registry.refusal (received_at);

CREATE TABLE registry.refusal_count (
    tenant_id integer NOT NULL CHECK (tenant_id > 0),
    day       date    NOT NULL,
    protocol  text    NOT NULL,
    reason    text    NOT NULL,
    readings  bigint  NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, day, protocol, reason)
) WITH (fillfactor = 80);

ALTER TABLE registry.refusal ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.refusal_count ENABLE ROW LEVEL SECURITY;
CREATE POLICY refusal_tenant ON registry.refusal USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY refusal_count_tenant ON registry.refusal_count USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

-- Of all tenants what is too old: as the owner, and nothing but this. Replicas that do it at once take different rows.
CREATE FUNCTION registry.purge_refusals(most integer, older_than interval) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = registry, pg_temp AS $$
    WITH old AS (SELECT r.tenant_id, r.id FROM refusal r WHERE r.received_at < now() - older_than ORDER BY r.received_at LIMIT most FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM refusal r USING old WHERE r.tenant_id = old.tenant_id AND r.id = old.id RETURNING 1),
    uncounted AS (DELETE FROM refusal_count c WHERE c.day < current_date - 400)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION registry.purge_refusals FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON registry.refusal, registry.refusal_count TO nwims_registry;
        GRANT EXECUTE ON FUNCTION registry.purge_refusals TO nwims_registry;
    END IF;
END
$$;
