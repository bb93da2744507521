-- What was answered to writes that carry an Idempotency-Key (libs/service/idempotency.h), for 24 hours.

CREATE TABLE registry.idempotency (
    tenant_id    integer     NOT NULL,
    actor        text        NOT NULL,
    key          text        NOT NULL CHECK (length(key) <= 128),
    method       text        NOT NULL,
    request_hash bytea       NOT NULL CHECK (length(request_hash) = 32),
    reply        bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, actor, key)
);
CREATE INDEX idempotency_by_age ON registry.idempotency (tenant_id, created_at);
COMMENT ON COLUMN registry.idempotency.reply IS 'The encoded reply; NULL while the write is under way, and where it held a secret';

ALTER TABLE registry.idempotency ENABLE ROW LEVEL SECURITY;
CREATE POLICY idempotency_tenant ON registry.idempotency USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON registry.idempotency TO nwims_registry;
    END IF;
END
$$;
