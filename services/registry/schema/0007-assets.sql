-- Assets and the pipe networks that they stand in.

CREATE TABLE registry.network (
    tenant_id       integer          NOT NULL CHECK (tenant_id > 0),
    id              uuid             NOT NULL,
    code            text COLLATE "C" NOT NULL CHECK (code <> '' AND length(code) <= 20),
    name            text,
    flow_unit       text             NOT NULL,
    headloss        text             NOT NULL CHECK (headloss IN ('H-W', 'D-W', 'C-M')),
    municipality_id uuid,
    junctions       bigint           NOT NULL,
    reservoirs      bigint           NOT NULL,
    tanks           bigint           NOT NULL,
    pipes           bigint           NOT NULL,
    pumps           bigint           NOT NULL,
    valves          bigint           NOT NULL,
    created_at      timestamptz      NOT NULL DEFAULT now(),
    updated_at      timestamptz      NOT NULL DEFAULT now(),
    version         bigint           NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT network_code UNIQUE (tenant_id, code),
    CONSTRAINT network_municipality_fk FOREIGN KEY (tenant_id, municipality_id) REFERENCES registry.municipality
);
COMMENT ON COLUMN registry.network.flow_unit IS 'Of the file that it came from; all figures here are metric';

CREATE TABLE registry.asset (
    tenant_id       integer          NOT NULL CHECK (tenant_id > 0),
    id              uuid             NOT NULL,
    code            text COLLATE "C" NOT NULL CHECK (code <> '' AND length(code) <= 64),
    name            text,
    kind            text             NOT NULL CHECK (kind IN ('pump', 'valve', 'tank', 'reservoir', 'pipe', 'treatment_unit', 'meter')),
    state           text             NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
    municipality_id uuid,
    zone_id         uuid,
    site_id         uuid,
    located_in      uuid,
    parent_id       uuid,
    latitude        double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude       double precision CHECK (longitude BETWEEN -180 AND 180),
    elevation_m     double precision,
    diameter_mm     double precision CHECK (diameter_mm >= 0),
    length_m        double precision CHECK (length_m >= 0),
    roughness       double precision CHECK (roughness >= 0),
    material        text,
    network_id      uuid,
    from_node       text COLLATE "C",
    to_node         text COLLATE "C",
    created_at      timestamptz      NOT NULL DEFAULT now(),
    updated_at      timestamptz      NOT NULL DEFAULT now(),
    version         bigint           NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT asset_code UNIQUE (tenant_id, code),
    CONSTRAINT asset_parent_is_another CHECK (parent_id <> id),
    CONSTRAINT asset_municipality_fk FOREIGN KEY (tenant_id, municipality_id) REFERENCES registry.municipality,
    CONSTRAINT asset_zone_fk FOREIGN KEY (tenant_id, zone_id) REFERENCES registry.zone,
    CONSTRAINT asset_site_fk FOREIGN KEY (tenant_id, site_id) REFERENCES registry.site,
    CONSTRAINT asset_parent_fk FOREIGN KEY (tenant_id, parent_id) REFERENCES registry.asset,
    CONSTRAINT asset_network_fk FOREIGN KEY (tenant_id, network_id) REFERENCES registry.network
);
CREATE INDEX asset_by_name ON registry.asset (tenant_id, (CASE WHEN name IS NULL THEN '' ELSE name END COLLATE "C"), id);
CREATE INDEX network_by_name ON registry.network (tenant_id, (CASE WHEN name IS NULL THEN '' ELSE name END COLLATE "C"), id);
CREATE INDEX network_by_age ON registry.network (tenant_id, created_at, id);
CREATE INDEX network_by_municipality ON registry.network (tenant_id, municipality_id, code);
CREATE INDEX asset_by_age ON registry.asset (tenant_id, created_at, id);
CREATE INDEX asset_by_place ON registry.asset (tenant_id, located_in, code);
CREATE INDEX asset_by_zone ON registry.asset (tenant_id, zone_id, code);
CREATE INDEX asset_by_site ON registry.asset (tenant_id, site_id, code);
CREATE INDEX asset_by_kind ON registry.asset (tenant_id, kind, code);
CREATE INDEX asset_by_parent ON registry.asset (tenant_id, parent_id, code);
CREATE INDEX asset_by_network ON registry.asset (tenant_id, network_id, code);
COMMENT ON COLUMN registry.asset.located_in IS 'The municipality that it counts to; kept by triggers';

CREATE TRIGGER asset_locate BEFORE INSERT OR UPDATE OF municipality_id, zone_id, site_id ON registry.asset
    FOR EACH ROW EXECUTE FUNCTION registry.locate();
-- Beside relocate_of_zone and relocate_of_site, which move what else belongs there.
CREATE FUNCTION registry.relocate_assets_of_zone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registry.asset SET zone_id = zone_id WHERE tenant_id = NEW.tenant_id AND zone_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE FUNCTION registry.relocate_assets_of_site() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registry.asset SET site_id = site_id WHERE tenant_id = NEW.tenant_id AND site_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER zone_relocate_assets AFTER UPDATE ON registry.zone
    FOR EACH ROW WHEN (OLD.municipality_id IS DISTINCT FROM NEW.municipality_id) EXECUTE FUNCTION registry.relocate_assets_of_zone();
CREATE TRIGGER site_relocate_assets AFTER UPDATE ON registry.site
    FOR EACH ROW WHEN (OLD.located_in IS DISTINCT FROM NEW.located_in) EXECUTE FUNCTION registry.relocate_assets_of_site();

-- The key of a node is its name in its network: so a hundred thousand links need no look-up of ids.
CREATE TABLE registry.network_node (
    tenant_id       integer          NOT NULL CHECK (tenant_id > 0),
    network_id      uuid             NOT NULL,
    code            text COLLATE "C" NOT NULL,
    kind            text             NOT NULL CHECK (kind IN ('junction', 'reservoir', 'tank')),
    elevation_m     double precision NOT NULL,
    base_demand_m3h double precision NOT NULL,
    x               double precision,
    y               double precision,
    tag             text,
    asset_id        uuid,
    PRIMARY KEY (tenant_id, network_id, code),
    CONSTRAINT network_node_network_fk FOREIGN KEY (tenant_id, network_id) REFERENCES registry.network,
    CONSTRAINT network_node_asset_fk FOREIGN KEY (tenant_id, asset_id) REFERENCES registry.asset
);
CREATE INDEX network_node_by_asset ON registry.network_node (tenant_id, asset_id) WHERE asset_id IS NOT NULL;
COMMENT ON COLUMN registry.network_node.x IS 'As in the file, which does not say what it means';

CREATE TABLE registry.network_link (
    tenant_id  integer          NOT NULL CHECK (tenant_id > 0),
    network_id uuid             NOT NULL,
    code       text COLLATE "C" NOT NULL,
    kind       text             NOT NULL CHECK (kind IN ('pipe', 'pump', 'valve')),
    from_node  text COLLATE "C" NOT NULL,
    to_node    text COLLATE "C" NOT NULL,
    status     text             NOT NULL CHECK (status IN ('open', 'closed', 'cv', 'active')),
    tag        text,
    minor_loss double precision NOT NULL,
    setting    double precision,
    asset_id   uuid             NOT NULL,
    PRIMARY KEY (tenant_id, network_id, code),
    CONSTRAINT network_link_from_fk FOREIGN KEY (tenant_id, network_id, from_node) REFERENCES registry.network_node,
    CONSTRAINT network_link_to_fk FOREIGN KEY (tenant_id, network_id, to_node) REFERENCES registry.network_node,
    CONSTRAINT network_link_asset_fk FOREIGN KEY (tenant_id, asset_id) REFERENCES registry.asset
);
CREATE INDEX network_link_by_from ON registry.network_link (tenant_id, network_id, from_node);
CREATE INDEX network_link_by_to ON registry.network_link (tenant_id, network_id, to_node);
CREATE INDEX network_link_by_asset ON registry.network_link (tenant_id, asset_id);

-- Files that are too long for one message, until they are whole.
CREATE TABLE registry.upload_part (
    tenant_id  integer     NOT NULL CHECK (tenant_id > 0),
    upload_id  uuid        NOT NULL,
    part       integer     NOT NULL CHECK (part BETWEEN 0 AND 15),
    actor      text        NOT NULL,
    data       bytea       NOT NULL CHECK (length(data) BETWEEN 1 AND 4194304),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, upload_id, part)
);
CREATE INDEX upload_part_by_age ON registry.upload_part (tenant_id, created_at);

ALTER TABLE registry.network ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.asset ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.network_node ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.network_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.upload_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY network_tenant ON registry.network USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY asset_tenant ON registry.asset USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY network_node_tenant ON registry.network_node USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY network_link_tenant ON registry.network_link USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY upload_part_tenant ON registry.upload_part USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON registry.network, registry.asset, registry.network_node, registry.network_link,
            registry.upload_part TO nwims_registry;
    END IF;
END
$$;
