-- The identity slice: tenants, the people who may log in, the keys that sign their tokens, and their sessions.
-- Owned by nwims_identity_owner, used by nwims_identity, which sees the people and sessions of one tenant at a time. What must be found
-- before the tenant is known (a login, a refresh token) is found by the functions below, which run as the owner and give no more than that.

CREATE TABLE identity.tenant (
    id         integer     GENERATED ALWAYS AS IDENTITY (START WITH 2) PRIMARY KEY,
    name       text        NOT NULL,
    code       text        NOT NULL,
    time_zone  text        NOT NULL DEFAULT 'UTC',
    state      text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX tenant_code ON identity.tenant (lower(code));
COMMENT ON TABLE identity.tenant IS 'Utilities; 1 is the national authority, made at the first start';

CREATE TABLE identity.app_user (
    tenant_id     integer     NOT NULL REFERENCES identity.tenant,
    id            uuid        NOT NULL,
    email         text        NOT NULL,
    name          text,
    password_hash text        NOT NULL,
    roles         text[]      NOT NULL,
    state         text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX app_user_email ON identity.app_user (tenant_id, lower(email));
CREATE INDEX app_user_login ON identity.app_user (lower(email));
CREATE INDEX app_user_id ON identity.app_user (id);

-- A login makes a family; each refresh uses up one token of it and makes the next. A token that comes a second time was copied: the family ends.
CREATE TABLE identity.refresh_token (
    hash       bytea       PRIMARY KEY,
    family     uuid        NOT NULL,
    tenant_id  integer     NOT NULL,
    user_id    uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.app_user ON DELETE CASCADE
);
CREATE INDEX refresh_token_family ON identity.refresh_token (family);
CREATE INDEX refresh_token_user ON identity.refresh_token (tenant_id, user_id);
CREATE INDEX refresh_token_end ON identity.refresh_token (expires_at);
COMMENT ON COLUMN identity.refresh_token.hash IS 'SHA-256 of the token';

CREATE TABLE identity.signing_key (
    kid          text        PRIMARY KEY,
    private_key  bytea       NOT NULL,
    x            text        NOT NULL,
    y            text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('next', 'active', 'old')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    activated_at timestamptz,
    retired_at   timestamptz
);
CREATE UNIQUE INDEX signing_key_active ON identity.signing_key (state) WHERE state IN ('active', 'next');
COMMENT ON COLUMN identity.signing_key.private_key IS 'PEM, wrapped with AES-256-GCM under the master key';

-- Failed logins by account and by address, each as a SHA-256. Lost in a crash of the server, which is harmless.
CREATE UNLOGGED TABLE identity.login_failure (
    subject      text        PRIMARY KEY,
    failures     integer     NOT NULL,
    last_at      timestamptz NOT NULL,
    locked_until timestamptz NOT NULL
);
CREATE INDEX login_failure_age ON identity.login_failure (last_at);

CREATE TABLE identity.outbox (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id  uuid        NOT NULL,
    subject     text        NOT NULL,
    payload     bytea       NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE identity.app_user ENABLE ROW LEVEL SECURITY;
CREATE POLICY app_user_tenant ON identity.app_user
    USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
ALTER TABLE identity.refresh_token ENABLE ROW LEVEL SECURITY;
CREATE POLICY refresh_token_tenant ON identity.refresh_token
    USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

-- Where the address has a user in several tenants and none is named, the oldest.
CREATE FUNCTION identity.find_login(wanted_email text, wanted_tenant integer)
RETURNS TABLE (user_id uuid, tenant_id integer, password_hash text, roles text, is_active boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT u.id, u.tenant_id, u.password_hash, array_to_string(u.roles, ' '), u.state = 'active' AND t.state = 'active'
      FROM app_user u JOIN tenant t ON t.id = u.tenant_id
     WHERE lower(u.email) = lower(wanted_email) AND (wanted_tenant IS NULL OR u.tenant_id = wanted_tenant)
     ORDER BY u.created_at, u.id LIMIT 1
$$;

CREATE FUNCTION identity.find_refresh_token(wanted_hash bytea)
RETURNS TABLE (family uuid, tenant_id integer, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT r.family, r.tenant_id, r.user_id FROM refresh_token r WHERE r.hash = wanted_hash
$$;

-- A national administrator may be at work in another tenant than the own one.
CREATE FUNCTION identity.find_self(wanted_id uuid)
RETURNS TABLE (id uuid, tenant_id integer, email text, name text, roles text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT u.id, u.tenant_id, u.email, u.name, array_to_string(u.roles, ' ') FROM app_user u
     WHERE u.id = wanted_id AND u.state = 'active'
$$;

CREATE FUNCTION identity.has_users() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM app_user)
$$;

-- What nobody can use any more: sessions that are over, forgotten failures, keys that signed no token that still lives.
CREATE FUNCTION identity.purge() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    DELETE FROM refresh_token WHERE expires_at < now();
    DELETE FROM login_failure WHERE last_at < now() - interval '1 day' AND locked_until < now();
    DELETE FROM signing_key WHERE state = 'old' AND retired_at < now() - interval '1 day';
$$;

REVOKE ALL ON FUNCTION identity.find_login, identity.find_refresh_token, identity.find_self, identity.has_users, identity.purge FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_identity') THEN
        GRANT USAGE ON SCHEMA identity TO nwims_identity;
        GRANT SELECT, INSERT, UPDATE ON identity.tenant, identity.app_user TO nwims_identity;
        GRANT SELECT, INSERT, UPDATE, DELETE ON identity.refresh_token, identity.signing_key, identity.login_failure, identity.outbox TO nwims_identity;
        GRANT EXECUTE ON FUNCTION identity.find_login, identity.find_refresh_token, identity.find_self, identity.has_users, identity.purge TO nwims_identity;
    END IF;
END
$$;
