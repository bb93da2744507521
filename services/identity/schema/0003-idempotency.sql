-- What was answered to writes that carry an Idempotency-Key (libs/service/idempotency.h), for 24 hours.

CREATE TABLE identity.idempotency (
    tenant_id    integer     NOT NULL,
    actor        text        NOT NULL,
    key          text        NOT NULL CHECK (length(key) <= 128),
    method       text        NOT NULL,
    request_hash bytea       NOT NULL CHECK (length(request_hash) = 32),
    reply        bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, actor, key)
);
CREATE INDEX idempotency_by_age ON identity.idempotency (tenant_id, created_at);
COMMENT ON TABLE identity.idempotency IS 'By the tenant at work, 0 where none was named; no foreign key, as tenants may go';
COMMENT ON COLUMN identity.idempotency.request_hash IS 'SHA-256 of the master key and the request: a request may hold a password, which a plain hash would let be guessed';
COMMENT ON COLUMN identity.idempotency.reply IS 'The encoded reply; NULL while the write is under way, and where it held a secret';

ALTER TABLE identity.idempotency ENABLE ROW LEVEL SECURITY;
CREATE POLICY idempotency_tenant ON identity.idempotency USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

-- A tenant that makes no keyed write any more removes none of its own old ones.
CREATE OR REPLACE FUNCTION identity.purge() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    DELETE FROM refresh_token WHERE expires_at < now();
    DELETE FROM login_failure WHERE last_at < now() - interval '1 day' AND locked_until < now();
    DELETE FROM signing_key WHERE state = 'old' AND retired_at < now() - interval '1 day';
    DELETE FROM revocation WHERE ends_at < now() - interval '1 hour';
    DELETE FROM idempotency WHERE created_at < now() - interval '1 day';
$$;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_identity') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON identity.idempotency TO nwims_identity;
    END IF;
END
$$;
