-- Bulk operations: one row a job (libs/jobs/job.h), the input that is too long for its row, and what failed.
-- Whoever works on a job has leased it; attempt counts the leases and is the fence: who has lost one cannot commit.

CREATE TABLE registry.job (
    tenant_id    integer     NOT NULL CHECK (tenant_id > 0),
    id           uuid        NOT NULL,
    kind         text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    is_dry_run   boolean     NOT NULL,
    skips_bad    boolean     NOT NULL,
    total        bigint,
    position     bigint      NOT NULL DEFAULT 0,
    done         bigint      NOT NULL DEFAULT 0,
    created      bigint      NOT NULL DEFAULT 0,
    updated      bigint      NOT NULL DEFAULT 0,
    unchanged    bigint      NOT NULL DEFAULT 0,
    failed       bigint      NOT NULL DEFAULT 0,
    kept_bytes   bigint      NOT NULL DEFAULT 0,
    error        text,
    heading      text,
    request      bytea,
    actor        text        NOT NULL,
    permissions  text        NOT NULL,
    scope        text        NOT NULL,
    request_id   text        NOT NULL,
    traceparent  text        NOT NULL,
    is_cancelled boolean     NOT NULL DEFAULT false,
    attempt      integer     NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at   timestamptz,
    finished_at  timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX job_open ON registry.job (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX job_by_age ON registry.job (tenant_id, created_at, id);
COMMENT ON COLUMN registry.job.position IS 'How far it was worked off, in units of its kind';
COMMENT ON COLUMN registry.job.kept_bytes IS 'Size of the failed rows that are kept';

CREATE TABLE registry.job_part (
    tenant_id integer NOT NULL,
    job_id    uuid    NOT NULL,
    part      integer NOT NULL CHECK (part BETWEEN 0 AND 15),
    data      bytea   NOT NULL,
    PRIMARY KEY (tenant_id, job_id, part),
    CONSTRAINT job_part_job_fk FOREIGN KEY (tenant_id, job_id) REFERENCES registry.job ON DELETE CASCADE
);

CREATE TABLE registry.job_failure (
    tenant_id integer NOT NULL,
    job_id    uuid    NOT NULL,
    index     bigint  NOT NULL,
    line      bigint,
    code      text,
    field     text,
    reason    text    NOT NULL,
    row       text,
    PRIMARY KEY (tenant_id, job_id, index),
    CONSTRAINT job_failure_job_fk FOREIGN KEY (tenant_id, job_id) REFERENCES registry.job ON DELETE CASCADE
);

ALTER TABLE registry.job ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.job_part ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.job_failure ENABLE ROW LEVEL SECURITY;
CREATE POLICY job_tenant ON registry.job USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY job_part_tenant ON registry.job_part USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY job_failure_tenant ON registry.job_failure USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

-- Leases the next job of any tenant: one that was left behind, else the oldest that waits; of each tenant one at a time, in the order they came.
CREATE FUNCTION registry.claim_job(lease_ms bigint) RETURNS TABLE (tenant_id integer, id uuid, attempt integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = registry, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('registry.claim_job', 0));
    RETURN QUERY
    UPDATE job AS j SET state = 'running', attempt = j.attempt + 1, lease_until = clock_timestamp() + lease_ms * interval '1 millisecond',
                        started_at = coalesce(j.started_at, clock_timestamp())
     WHERE (j.tenant_id, j.id) = (
        SELECT q.tenant_id, q.id FROM job AS q
         WHERE q.state IN ('queued', 'running') AND (q.state = 'queued' OR q.lease_until < clock_timestamp())
           AND NOT EXISTS (SELECT 1 FROM job AS r WHERE r.tenant_id = q.tenant_id AND r.state = 'running' AND r.lease_until >= clock_timestamp())
         ORDER BY q.state DESC, q.created_at LIMIT 1)
    RETURNING j.tenant_id, j.id, j.attempt;
END
$$;
REVOKE ALL ON FUNCTION registry.claim_job FROM PUBLIC;

-- Removes some of what ended more than seven days ago, of any tenant.
CREATE FUNCTION registry.purge_jobs(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = registry, pg_temp AS $$
    WITH old AS (DELETE FROM job AS j WHERE (j.tenant_id, j.id) IN (
        SELECT o.tenant_id, o.id FROM job AS o WHERE o.finished_at < now() - interval '7 days' LIMIT most FOR UPDATE SKIP LOCKED) RETURNING 1)
    SELECT count(*) FROM old
$$;
REVOKE ALL ON FUNCTION registry.purge_jobs FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON registry.job, registry.job_part, registry.job_failure TO nwims_registry;
        GRANT EXECUTE ON FUNCTION registry.claim_job, registry.purge_jobs TO nwims_registry;
    END IF;
END
$$;
