-- The registry slice: municipalities, zones, devices with their credentials, and sensors.
-- Owned by nwims_registry_owner, used by nwims_registry, which sees the rows of one tenant at a time. A device's credential must be found before
-- the tenant is known: find_credential does that as the owner and gives no more.
-- Codes sort by bytes (COLLATE "C"), so that the order of a page does not depend on the server's locale.

CREATE SEQUENCE registry.sensor_no AS integer;

CREATE TABLE registry.municipality (
    tenant_id  integer          NOT NULL CHECK (tenant_id > 0),
    id         uuid             NOT NULL,
    code       text COLLATE "C" NOT NULL CHECK (code <> '' AND length(code) <= 64),
    name       text             NOT NULL CHECK (name <> ''),
    population bigint           CHECK (population >= 0),
    latitude   double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude  double precision CHECK (longitude BETWEEN -180 AND 180),
    created_at timestamptz      NOT NULL DEFAULT now(),
    updated_at timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT municipality_code UNIQUE (tenant_id, code)
);

CREATE TABLE registry.zone (
    tenant_id       integer          NOT NULL CHECK (tenant_id > 0),
    id              uuid             NOT NULL,
    code            text COLLATE "C" NOT NULL CHECK (code <> '' AND length(code) <= 64),
    name            text             NOT NULL CHECK (name <> ''),
    municipality_id uuid             NOT NULL,
    created_at      timestamptz      NOT NULL DEFAULT now(),
    updated_at      timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT zone_code UNIQUE (tenant_id, code),
    CONSTRAINT zone_municipality_fk FOREIGN KEY (tenant_id, municipality_id) REFERENCES registry.municipality
);
CREATE INDEX zone_by_municipality ON registry.zone (tenant_id, municipality_id, code);
COMMENT ON TABLE registry.zone IS 'District metered areas';

CREATE TABLE registry.device (
    tenant_id       integer          NOT NULL CHECK (tenant_id > 0),
    id              uuid             NOT NULL,
    code            text COLLATE "C" NOT NULL CHECK (code <> '' AND length(code) <= 64),
    name            text,
    protocol        text             NOT NULL,
    municipality_id uuid,
    zone_id         uuid,
    state           text             NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    created_at      timestamptz      NOT NULL DEFAULT now(),
    updated_at      timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT device_code UNIQUE (tenant_id, code),
    CONSTRAINT device_municipality_fk FOREIGN KEY (tenant_id, municipality_id) REFERENCES registry.municipality,
    CONSTRAINT device_zone_fk FOREIGN KEY (tenant_id, zone_id) REFERENCES registry.zone
);
CREATE INDEX device_by_municipality ON registry.device (tenant_id, municipality_id, code);
CREATE INDEX device_by_zone ON registry.device (tenant_id, zone_id, code);

CREATE TABLE registry.credential (
    tenant_id  integer     NOT NULL CHECK (tenant_id > 0),
    id         uuid        NOT NULL,
    device_id  uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('token')),
    verifier   bytea       NOT NULL CHECK (length(verifier) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT credential_device_fk FOREIGN KEY (tenant_id, device_id) REFERENCES registry.device ON DELETE CASCADE
);
CREATE INDEX credential_by_device ON registry.credential (tenant_id, device_id);
-- The one index without the tenant in front: it is what finds the tenant.
CREATE UNIQUE INDEX credential_verifier ON registry.credential (verifier);
COMMENT ON COLUMN registry.credential.verifier IS 'SHA-256 of the token';

CREATE TABLE registry.sensor (
    tenant_id       integer          NOT NULL CHECK (tenant_id > 0),
    id              uuid             NOT NULL,
    sensor_no       integer          NOT NULL DEFAULT nextval('registry.sensor_no'),
    code            text COLLATE "C" NOT NULL CHECK (code <> '' AND length(code) <= 64),
    name            text,
    kind            text             NOT NULL,
    unit            text             NOT NULL,
    device_id       uuid,
    municipality_id uuid,
    zone_id         uuid,
    range_min       double precision,
    range_max       double precision,
    period_s        bigint           CHECK (period_s > 0),
    state           text             NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    created_at      timestamptz      NOT NULL DEFAULT now(),
    updated_at      timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT sensor_code UNIQUE (tenant_id, code),
    CONSTRAINT sensor_number UNIQUE (tenant_id, sensor_no),
    CONSTRAINT sensor_range CHECK (range_min < range_max),
    CONSTRAINT sensor_device_fk FOREIGN KEY (tenant_id, device_id) REFERENCES registry.device,
    CONSTRAINT sensor_municipality_fk FOREIGN KEY (tenant_id, municipality_id) REFERENCES registry.municipality,
    CONSTRAINT sensor_zone_fk FOREIGN KEY (tenant_id, zone_id) REFERENCES registry.zone
);
ALTER SEQUENCE registry.sensor_no OWNED BY registry.sensor.sensor_no;
CREATE INDEX sensor_by_device ON registry.sensor (tenant_id, device_id, code);
CREATE INDEX sensor_by_municipality ON registry.sensor (tenant_id, municipality_id, code);
CREATE INDEX sensor_by_zone ON registry.sensor (tenant_id, zone_id, code);
COMMENT ON COLUMN registry.sensor.sensor_no IS 'Number in the whole system: what readings carry';
COMMENT ON COLUMN registry.sensor.unit IS 'UCUM code; never changes, since stored values are in it';

CREATE TABLE registry.outbox (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id  uuid        NOT NULL,
    subject     text        NOT NULL,
    payload     bytea       NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE registry.municipality ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.zone ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.device ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.credential ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.sensor ENABLE ROW LEVEL SECURITY;
-- The setting is empty, not absent, in a session whose transaction has ended.
CREATE POLICY municipality_tenant ON registry.municipality USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY zone_tenant ON registry.zone USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY device_tenant ON registry.device USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY credential_tenant ON registry.credential USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY sensor_tenant ON registry.sensor USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

CREATE FUNCTION registry.find_credential(wanted_kind text, wanted_verifier bytea)
RETURNS TABLE (tenant_id integer, device_id uuid, device_code text, device_state text, expires_at timestamptz, credential_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp AS $$
    SELECT c.tenant_id, c.device_id, d.code, d.state, c.expires_at, c.id
      FROM credential c JOIN device d ON d.tenant_id = c.tenant_id AND d.id = c.device_id
     WHERE c.verifier = wanted_verifier AND c.kind = wanted_kind AND (c.expires_at IS NULL OR c.expires_at > now())
$$;
REVOKE ALL ON FUNCTION registry.find_credential FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT USAGE ON SCHEMA registry TO nwims_registry;
        GRANT SELECT, INSERT, UPDATE, DELETE ON registry.municipality, registry.zone, registry.device, registry.credential, registry.sensor,
            registry.outbox TO nwims_registry;
        GRANT USAGE ON SEQUENCE registry.sensor_no TO nwims_registry;
        GRANT EXECUTE ON FUNCTION registry.find_credential TO nwims_registry;
    END IF;
END
$$;
