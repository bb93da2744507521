-- Credentials of every kind, and tenants that are suspended.
-- verifier is what a credential is found by: the SHA-256 of a token, or of kind, NUL and lookup for those that are found by a name (PSK identity,
-- certificate fingerprint, DevEUI, phone number). A device that changes its LoRaWAN key keeps its DevEUI: then two credentials have one verifier
-- (generation 0 and 1), both of the same device. Keys that must be had again are wrapped with AES-256-GCM under a key that is not in the database.

ALTER TABLE registry.credential
    DROP CONSTRAINT credential_kind_check,
    ADD CONSTRAINT credential_kind_check CHECK (kind IN ('token', 'psk', 'x509', 'lorawan', 'phone')),
    ADD COLUMN lookup     text CHECK (lookup <> '' AND length(lookup) <= 128),
    ADD COLUMN join_eui   text,
    ADD COLUMN wrapped    bytea,
    ADD COLUMN generation smallint NOT NULL DEFAULT 0 CHECK (generation IN (0, 1)),
    ADD CONSTRAINT credential_key CHECK ((kind IN ('psk', 'lorawan')) = (wrapped IS NOT NULL)),
    ADD CONSTRAINT credential_name CHECK ((kind = 'token') = (lookup IS NULL));
DROP INDEX registry.credential_verifier;
CREATE UNIQUE INDEX credential_verifier ON registry.credential (verifier, generation);
COMMENT ON COLUMN registry.credential.verifier IS 'SHA-256 of the token, or of kind, NUL and lookup';
COMMENT ON COLUMN registry.credential.wrapped IS 'Key under the master key: nonce, ciphertext, tag';

-- What identity said of a tenant (events.<tenant>.tenant), so that its devices are refused after a restart too.
CREATE TABLE registry.tenant_state (
    tenant_id    integer     NOT NULL PRIMARY KEY CHECK (tenant_id > 0),
    is_suspended boolean     NOT NULL,
    changed_at   timestamptz NOT NULL
);
ALTER TABLE registry.tenant_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_state_tenant ON registry.tenant_state USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

-- The newest first. As find_credential, which the version before still calls.
CREATE FUNCTION registry.find_credentials(wanted_kind text, wanted_verifier bytea)
RETURNS TABLE (tenant_id integer, device_id uuid, device_code text, device_state text, expires_at timestamptz, credential_id uuid, wrapped bytea,
               join_eui text, is_suspended boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp AS $$
    SELECT c.tenant_id, c.device_id, d.code, d.state, c.expires_at, c.id, c.wrapped, c.join_eui, coalesce(t.is_suspended, false)
      FROM credential c JOIN device d ON d.tenant_id = c.tenant_id AND d.id = c.device_id
           LEFT JOIN tenant_state t ON t.tenant_id = c.tenant_id
     WHERE c.verifier = wanted_verifier AND (wanted_kind IS NULL OR c.kind = wanted_kind) AND (c.expires_at IS NULL OR c.expires_at > now())
     ORDER BY c.created_at DESC, c.id DESC
$$;
REVOKE ALL ON FUNCTION registry.find_credentials FROM PUBLIC;

-- Whether another device, of whatever tenant, is found by this already; says no more of it.
CREATE FUNCTION registry.is_taken(wanted_verifier bytea, own_tenant integer, own_device uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM credential WHERE verifier = wanted_verifier AND (tenant_id, device_id) <> (own_tenant, own_device))
$$;
REVOKE ALL ON FUNCTION registry.is_taken FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT SELECT, INSERT, UPDATE ON registry.tenant_state TO nwims_registry;
        GRANT EXECUTE ON FUNCTION registry.find_credentials, registry.is_taken TO nwims_registry;
    END IF;
END
$$;
