-- Roles in parts of a tenant, custom roles, the second factor, API keys, quota, the hierarchy of tenants, and what ends tokens early.

ALTER TABLE identity.tenant
    ADD COLUMN level text NOT NULL DEFAULT 'utility' CHECK (level IN ('nation', 'region', 'utility')),
    ADD COLUMN parent_id integer REFERENCES identity.tenant CHECK (parent_id <> id),
    ADD COLUMN epoch integer NOT NULL DEFAULT 0,
    ADD COLUMN quota_requests_per_second integer,
    ADD COLUMN quota_burst integer,
    ADD COLUMN quota_readings_per_day bigint,
    ADD COLUMN quota_sensors integer,
    ADD COLUMN quota_devices integer,
    ADD COLUMN quota_users integer,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
UPDATE identity.tenant SET level = 'nation' WHERE id = 1;
UPDATE identity.tenant SET parent_id = 1 WHERE id <> 1;
CREATE INDEX tenant_parent ON identity.tenant (parent_id);
COMMENT ON COLUMN identity.tenant.parent_id IS 'of a higher level: so there are no cycles, and at most three levels';
COMMENT ON COLUMN identity.tenant.epoch IS 'tokens of a lower one are dead';

ALTER TABLE identity.app_user
    ADD COLUMN epoch integer NOT NULL DEFAULT 0,
    ADD COLUMN mfa_secret bytea,
    ADD COLUMN mfa_enabled_at timestamptz,
    ADD COLUMN mfa_last_step bigint NOT NULL DEFAULT -1,
    ADD COLUMN reset_hash bytea,
    ADD COLUMN reset_expires_at timestamptz,
    ADD COLUMN last_login_at timestamptz,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
CREATE UNIQUE INDEX app_user_reset ON identity.app_user (reset_hash) WHERE reset_hash IS NOT NULL;
COMMENT ON COLUMN identity.app_user.roles IS 'in the whole tenant; those in parts of it are in role_assignment';
COMMENT ON COLUMN identity.app_user.epoch IS 'tokens of a lower one are dead';
COMMENT ON COLUMN identity.app_user.mfa_secret IS 'wrapped with AES-256-GCM under the master key; counts once mfa_enabled_at is set';
COMMENT ON COLUMN identity.app_user.mfa_last_step IS 'the last step whose code was used: none is taken twice';
COMMENT ON COLUMN identity.app_user.reset_hash IS 'SHA-256 of the secret that an administrator handed out';

CREATE TABLE identity.role_assignment (
    tenant_id        integer NOT NULL,
    user_id          uuid    NOT NULL,
    role             text    NOT NULL,
    region_ids       uuid[]  NOT NULL,
    municipality_ids uuid[]  NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.app_user ON DELETE CASCADE,
    CHECK (cardinality(region_ids) + cardinality(municipality_ids) > 0)
);
CREATE INDEX role_assignment_role ON identity.role_assignment (tenant_id, role);

CREATE TABLE identity.role (
    tenant_id   integer     NOT NULL REFERENCES identity.tenant,
    name        text        NOT NULL,
    description text,
    permissions text[]      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE identity.recovery_code (
    tenant_id integer NOT NULL,
    user_id   uuid    NOT NULL,
    hash      bytea   NOT NULL,
    PRIMARY KEY (tenant_id, user_id, hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.app_user ON DELETE CASCADE
);
COMMENT ON COLUMN identity.recovery_code.hash IS 'SHA-256; a used one is deleted';

CREATE TABLE identity.api_key (
    tenant_id           integer     NOT NULL REFERENCES identity.tenant,
    id                  uuid        NOT NULL,
    name                text        NOT NULL,
    hash                bytea       NOT NULL,
    prefix              text        NOT NULL,
    permissions         text[]      NOT NULL,
    region_ids          uuid[]      NOT NULL DEFAULT '{}',
    municipality_ids    uuid[]      NOT NULL DEFAULT '{}',
    created_by          uuid        NOT NULL,
    epoch               integer     NOT NULL DEFAULT 0,
    created_at          timestamptz NOT NULL DEFAULT now(),
    rotated_at          timestamptz NOT NULL DEFAULT now(),
    expires_at          timestamptz NOT NULL,
    last_used_at        timestamptz,
    previous_hash       bytea,
    previous_expires_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX api_key_hash ON identity.api_key (hash);
CREATE UNIQUE INDEX api_key_previous_hash ON identity.api_key (previous_hash) WHERE previous_hash IS NOT NULL;
CREATE INDEX api_key_id ON identity.api_key (id);
COMMENT ON COLUMN identity.api_key.created_by IS 'who made or last rotated it; perhaps of another tenant (a national administrator), so no foreign key';

-- A token that was used makes a successor. One that comes again within seconds did not get its answer: it makes another one beside it.
-- As soon as one of them is used, the others are superseded: who brings one of those has a copy.
ALTER TABLE identity.refresh_token
    ADD COLUMN parent bytea,
    ADD COLUMN superseded boolean NOT NULL DEFAULT false;
CREATE INDEX refresh_token_parent ON identity.refresh_token (parent) WHERE parent IS NOT NULL;

-- What ends tokens before their time. Written under the lock identity.revocation, so that ids become visible in order.
CREATE TABLE identity.revocation (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id integer     NOT NULL,
    kind      text        NOT NULL CHECK (kind IN ('user', 'tenant', 'session', 'key')),
    subject   text        NOT NULL,
    epoch     integer     NOT NULL,
    ends_at   timestamptz NOT NULL
);
CREATE INDEX revocation_end ON identity.revocation (ends_at);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['role_assignment', 'role', 'recovery_code', 'api_key', 'revocation'] LOOP
        EXECUTE format('ALTER TABLE identity.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY %I ON identity.%I USING (tenant_id = NULLIF(current_setting(''nwims.tenant_id'', true), '''')::integer)',
                       name || '_tenant', name);
    END LOOP;
END
$$;

-- What a token is made of, as it is now. Whose tenant it is, nobody knows before.
CREATE FUNCTION identity.find_account(wanted_id uuid)
RETURNS TABLE (tenant_id integer, is_active boolean, user_epoch integer, tenant_epoch integer, email text, name text, mfa_enabled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT u.tenant_id, u.state = 'active' AND t.state = 'active', u.epoch, t.epoch, u.email, u.name, u.mfa_enabled_at IS NOT NULL
      FROM app_user u JOIN tenant t ON t.id = u.tenant_id WHERE u.id = wanted_id
$$;

-- The roles of one user, those of the whole tenant first; permissions are those of a custom role, NULL for a built-in one.
CREATE FUNCTION identity.find_grants(wanted_id uuid)
RETURNS TABLE (role text, permissions text, region_ids text, municipality_ids text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT a.role, array_to_string(r.permissions, ' '), array_to_string(a.region_ids, ' '), array_to_string(a.municipality_ids, ' ')
      FROM (SELECT u.tenant_id, x.role, x.position, '{}'::uuid[] AS region_ids, '{}'::uuid[] AS municipality_ids
              FROM app_user u, unnest(u.roles) WITH ORDINALITY AS x (role, position) WHERE u.id = wanted_id
             UNION ALL
            SELECT s.tenant_id, s.role, 1000000, s.region_ids, s.municipality_ids FROM role_assignment s WHERE s.user_id = wanted_id) a
      LEFT JOIN role r ON r.tenant_id = a.tenant_id AND r.name = a.role
     ORDER BY a.position, a.role
$$;

CREATE FUNCTION identity.find_reset(wanted_hash bytea)
RETURNS TABLE (user_id uuid, tenant_id integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT u.id, u.tenant_id FROM app_user u WHERE u.reset_hash = wanted_hash
$$;

CREATE FUNCTION identity.find_api_key(wanted_hash bytea)
RETURNS TABLE (id uuid, tenant_id integer, permissions text, region_ids text, municipality_ids text, created_by uuid, key_epoch integer,
               tenant_epoch integer, tenant_is_active boolean, ends_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT k.id, k.tenant_id, array_to_string(k.permissions, ' '), array_to_string(k.region_ids, ' '), array_to_string(k.municipality_ids, ' '),
           k.created_by, k.epoch, t.epoch, t.state = 'active',
           CASE WHEN k.hash = wanted_hash THEN k.expires_at ELSE least(k.expires_at, k.previous_expires_at) END
      FROM api_key k JOIN tenant t ON t.id = k.tenant_id WHERE k.hash = wanted_hash OR k.previous_hash = wanted_hash
$$;

CREATE FUNCTION identity.note_api_key_use(ids uuid[], times timestamptz[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    UPDATE api_key k SET last_used_at = n.used_at
      FROM (SELECT i.id, max(i.used_at) AS used_at FROM unnest(ids, times) AS i (id, used_at) GROUP BY i.id) n
     WHERE k.id = n.id AND (k.last_used_at IS NULL OR k.last_used_at < n.used_at)
$$;

CREATE FUNCTION identity.list_revocations(after_id bigint, most bigint)
RETURNS TABLE (id bigint, kind text, subject text, epoch integer, ends_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT r.id, r.kind, r.subject, r.epoch, r.ends_at FROM revocation r
     WHERE r.id > after_id AND r.ends_at > now() ORDER BY r.id LIMIT most
$$;

-- Counts across what row-level security would hide from the caller, who is at work in another tenant.
CREATE FUNCTION identity.tenant_usage(wanted_id integer)
RETURNS TABLE (users bigint, active_users bigint, roles bigint, api_keys bigint, sessions bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT (SELECT count(*) FROM app_user WHERE tenant_id = wanted_id),
           (SELECT count(*) FROM app_user WHERE tenant_id = wanted_id AND state = 'active'),
           (SELECT count(*) FROM role WHERE tenant_id = wanted_id),
           (SELECT count(*) FROM api_key WHERE tenant_id = wanted_id),
           (SELECT count(DISTINCT family) FROM refresh_token WHERE tenant_id = wanted_id AND used_at IS NULL AND expires_at > now())
$$;

CREATE OR REPLACE FUNCTION identity.purge() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    DELETE FROM refresh_token WHERE expires_at < now();
    DELETE FROM login_failure WHERE last_at < now() - interval '1 day' AND locked_until < now();
    DELETE FROM signing_key WHERE state = 'old' AND retired_at < now() - interval '1 day';
    DELETE FROM revocation WHERE ends_at < now() - interval '1 hour';
$$;

REVOKE ALL ON FUNCTION identity.find_account, identity.find_grants, identity.find_reset, identity.find_api_key, identity.note_api_key_use,
    identity.list_revocations, identity.tenant_usage FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_identity') THEN
        GRANT DELETE ON identity.tenant, identity.app_user TO nwims_identity;
        GRANT SELECT, INSERT, UPDATE, DELETE ON identity.role_assignment, identity.role, identity.recovery_code, identity.api_key TO nwims_identity;
        GRANT SELECT, INSERT ON identity.revocation TO nwims_identity;
        GRANT EXECUTE ON FUNCTION identity.find_account, identity.find_grants, identity.find_reset, identity.find_api_key,
            identity.note_api_key_use, identity.list_revocations, identity.tenant_usage TO nwims_identity;
    END IF;
END
$$;
