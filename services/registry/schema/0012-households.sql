-- Sensors that measure one household: their readings are for the tenant, and in no figure that is shown above it.
ALTER TABLE registry.sensor ADD COLUMN is_household boolean NOT NULL DEFAULT false;
CREATE INDEX sensor_by_household ON registry.sensor (tenant_id, is_household, code);
