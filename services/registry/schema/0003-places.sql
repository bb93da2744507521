-- Regions above municipalities, sites within them, outlines and positions, and what every thing counts to: located_in is the municipality that a
-- site, device or sensor belongs to, kept by triggers so that every way of writing (and of moving what they belong to) keeps the one rule:
--   its own municipality_id, else its zone's, else its site's, else its device's.
-- A permission that is given for some municipalities or regions is held against it, and lists filter by it.
-- Every column that a list can be sorted or filtered by has an index that yields a page in order; names sort by bytes, as codes do.

CREATE TABLE registry.region (
    tenant_id  integer          NOT NULL CHECK (tenant_id > 0),
    id         uuid             NOT NULL,
    code       text COLLATE "C" NOT NULL CHECK (code <> '' AND length(code) <= 64),
    name       text             NOT NULL CHECK (name <> ''),
    created_at timestamptz      NOT NULL DEFAULT now(),
    updated_at timestamptz      NOT NULL DEFAULT now(),
    version    bigint           NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT region_code UNIQUE (tenant_id, code)
);

ALTER TABLE registry.municipality
    ADD COLUMN region_id uuid,
    ADD COLUMN geometry  jsonb,
    ADD COLUMN version   bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT municipality_region_fk FOREIGN KEY (tenant_id, region_id) REFERENCES registry.region;

ALTER TABLE registry.zone
    ADD COLUMN geometry jsonb,
    ADD COLUMN version  bigint NOT NULL DEFAULT 1;

CREATE TABLE registry.site (
    tenant_id       integer          NOT NULL CHECK (tenant_id > 0),
    id              uuid             NOT NULL,
    code            text COLLATE "C" NOT NULL CHECK (code <> '' AND length(code) <= 64),
    name            text             NOT NULL CHECK (name <> ''),
    kind            text             NOT NULL DEFAULT 'other',
    municipality_id uuid,
    zone_id         uuid,
    located_in      uuid,
    address         text,
    latitude        double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude       double precision CHECK (longitude BETWEEN -180 AND 180),
    elevation_m     double precision CHECK (elevation_m BETWEEN -500 AND 9000),
    created_at      timestamptz      NOT NULL DEFAULT now(),
    updated_at      timestamptz      NOT NULL DEFAULT now(),
    version         bigint           NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT site_code UNIQUE (tenant_id, code),
    CONSTRAINT site_municipality_fk FOREIGN KEY (tenant_id, municipality_id) REFERENCES registry.municipality,
    CONSTRAINT site_zone_fk FOREIGN KEY (tenant_id, zone_id) REFERENCES registry.zone
);
COMMENT ON COLUMN registry.site.located_in IS 'The municipality that it counts to; kept by triggers';

ALTER TABLE registry.device
    ADD COLUMN site_id    uuid,
    ADD COLUMN located_in uuid,
    ADD COLUMN version    bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT device_site_fk FOREIGN KEY (tenant_id, site_id) REFERENCES registry.site;
COMMENT ON COLUMN registry.device.located_in IS 'The municipality that it counts to; kept by triggers';

ALTER TABLE registry.sensor
    ADD COLUMN site_id     uuid,
    ADD COLUMN located_in  uuid,
    ADD COLUMN latitude    double precision CHECK (latitude BETWEEN -90 AND 90),
    ADD COLUMN longitude   double precision CHECK (longitude BETWEEN -180 AND 180),
    ADD COLUMN elevation_m double precision CHECK (elevation_m BETWEEN -500 AND 9000),
    ADD COLUMN version     bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT sensor_site_fk FOREIGN KEY (tenant_id, site_id) REFERENCES registry.site;
COMMENT ON COLUMN registry.sensor.located_in IS 'The municipality that it counts to; kept by triggers';

-- ---- where things count to ------------------------------------------------------------------------------------------------------------
-- What is looked up is locked against being moved (FOR SHARE) until our transaction ends: else a zone could move away between our look and our
-- commit, and the thing would stay where the zone was.
CREATE FUNCTION registry.zone_place(wanted_tenant integer, wanted_id uuid) RETURNS uuid LANGUAGE sql VOLATILE AS
    'SELECT municipality_id FROM registry.zone WHERE tenant_id = wanted_tenant AND id = wanted_id FOR SHARE';
CREATE FUNCTION registry.site_place(wanted_tenant integer, wanted_id uuid) RETURNS uuid LANGUAGE sql VOLATILE AS
    'SELECT located_in FROM registry.site WHERE tenant_id = wanted_tenant AND id = wanted_id FOR SHARE';
CREATE FUNCTION registry.device_place(wanted_tenant integer, wanted_id uuid) RETURNS uuid LANGUAGE sql VOLATILE AS
    'SELECT located_in FROM registry.device WHERE tenant_id = wanted_tenant AND id = wanted_id FOR SHARE';

CREATE FUNCTION registry.locate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.located_in := NEW.municipality_id;
    IF NEW.located_in IS NULL AND NEW.zone_id IS NOT NULL THEN
        NEW.located_in := registry.zone_place(NEW.tenant_id, NEW.zone_id);
    END IF;
    IF TG_TABLE_NAME = 'site' THEN
        RETURN NEW;
    END IF;
    IF NEW.located_in IS NULL AND NEW.site_id IS NOT NULL THEN
        NEW.located_in := registry.site_place(NEW.tenant_id, NEW.site_id);
    END IF;
    IF TG_TABLE_NAME = 'sensor' THEN
        IF NEW.located_in IS NULL AND NEW.device_id IS NOT NULL THEN
            NEW.located_in := registry.device_place(NEW.tenant_id, NEW.device_id);
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER site_locate BEFORE INSERT OR UPDATE OF municipality_id, zone_id ON registry.site
    FOR EACH ROW EXECUTE FUNCTION registry.locate();
CREATE TRIGGER device_locate BEFORE INSERT OR UPDATE OF municipality_id, zone_id, site_id ON registry.device
    FOR EACH ROW EXECUTE FUNCTION registry.locate();
CREATE TRIGGER sensor_locate BEFORE INSERT OR UPDATE OF municipality_id, zone_id, site_id, device_id ON registry.sensor
    FOR EACH ROW EXECUTE FUNCTION registry.locate();

-- Setting a column to what it is makes the triggers above look again.
CREATE FUNCTION registry.relocate_of_zone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registry.site SET zone_id = zone_id WHERE tenant_id = NEW.tenant_id AND zone_id = NEW.id;
    UPDATE registry.device SET zone_id = zone_id WHERE tenant_id = NEW.tenant_id AND zone_id = NEW.id;
    UPDATE registry.sensor SET zone_id = zone_id WHERE tenant_id = NEW.tenant_id AND zone_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE FUNCTION registry.relocate_of_site() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registry.device SET site_id = site_id WHERE tenant_id = NEW.tenant_id AND site_id = NEW.id;
    UPDATE registry.sensor SET site_id = site_id WHERE tenant_id = NEW.tenant_id AND site_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE FUNCTION registry.relocate_of_device() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registry.sensor SET device_id = device_id WHERE tenant_id = NEW.tenant_id AND device_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER zone_relocate AFTER UPDATE ON registry.zone
    FOR EACH ROW WHEN (OLD.municipality_id IS DISTINCT FROM NEW.municipality_id) EXECUTE FUNCTION registry.relocate_of_zone();
CREATE TRIGGER site_relocate AFTER UPDATE ON registry.site
    FOR EACH ROW WHEN (OLD.located_in IS DISTINCT FROM NEW.located_in) EXECUTE FUNCTION registry.relocate_of_site();
CREATE TRIGGER device_relocate AFTER UPDATE ON registry.device
    FOR EACH ROW WHEN (OLD.located_in IS DISTINCT FROM NEW.located_in) EXECUTE FUNCTION registry.relocate_of_device();

UPDATE registry.device SET zone_id = zone_id;
UPDATE registry.sensor SET zone_id = zone_id;

-- ---- a page of every list in order -------------------------------------------------------------------------------------------------------
CREATE INDEX region_by_name ON registry.region (tenant_id, (coalesce(name, '') COLLATE "C"), id);
CREATE INDEX region_by_age ON registry.region (tenant_id, created_at, id);
CREATE INDEX municipality_by_name ON registry.municipality (tenant_id, (coalesce(name, '') COLLATE "C"), id);
CREATE INDEX municipality_by_age ON registry.municipality (tenant_id, created_at, id);
CREATE INDEX municipality_by_region ON registry.municipality (tenant_id, region_id, code);
CREATE INDEX zone_by_name ON registry.zone (tenant_id, (coalesce(name, '') COLLATE "C"), id);
CREATE INDEX zone_by_age ON registry.zone (tenant_id, created_at, id);
CREATE INDEX site_by_name ON registry.site (tenant_id, (coalesce(name, '') COLLATE "C"), id);
CREATE INDEX site_by_age ON registry.site (tenant_id, created_at, id);
CREATE INDEX site_by_place ON registry.site (tenant_id, located_in, code);
CREATE INDEX site_by_municipality ON registry.site (tenant_id, municipality_id, code);
CREATE INDEX site_by_zone ON registry.site (tenant_id, zone_id, code);
CREATE INDEX site_by_kind ON registry.site (tenant_id, kind, code);
CREATE INDEX device_by_name ON registry.device (tenant_id, (coalesce(name, '') COLLATE "C"), id);
CREATE INDEX device_by_age ON registry.device (tenant_id, created_at, id);
CREATE INDEX device_by_place ON registry.device (tenant_id, located_in, code);
CREATE INDEX device_by_site ON registry.device (tenant_id, site_id, code);
CREATE INDEX device_by_protocol ON registry.device (tenant_id, protocol, code);
CREATE INDEX device_by_state ON registry.device (tenant_id, state, code);
CREATE INDEX sensor_by_name ON registry.sensor (tenant_id, (coalesce(name, '') COLLATE "C"), id);
CREATE INDEX sensor_by_age ON registry.sensor (tenant_id, created_at, id);
CREATE INDEX sensor_by_place ON registry.sensor (tenant_id, located_in, code);
CREATE INDEX sensor_by_site ON registry.sensor (tenant_id, site_id, code);
CREATE INDEX sensor_by_kind ON registry.sensor (tenant_id, kind, code);
CREATE INDEX sensor_by_state ON registry.sensor (tenant_id, state, code);

ALTER TABLE registry.region ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.site ENABLE ROW LEVEL SECURITY;
CREATE POLICY region_tenant ON registry.region USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY site_tenant ON registry.site USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON registry.region, registry.site TO nwims_registry;
    END IF;
END
$$;
