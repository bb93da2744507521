-- Row-level security lets a condition go to an index only if nothing in it could leak, and PostgreSQL does not count coalesce() among what cannot:
-- a page by name read every row before it. CASE is counted.

DROP INDEX registry.region_by_name;
CREATE INDEX region_by_name ON registry.region (tenant_id, (CASE WHEN name IS NULL THEN '' ELSE name END COLLATE "C"), id);
DROP INDEX registry.municipality_by_name;
CREATE INDEX municipality_by_name ON registry.municipality (tenant_id, (CASE WHEN name IS NULL THEN '' ELSE name END COLLATE "C"), id);
DROP INDEX registry.zone_by_name;
CREATE INDEX zone_by_name ON registry.zone (tenant_id, (CASE WHEN name IS NULL THEN '' ELSE name END COLLATE "C"), id);
DROP INDEX registry.site_by_name;
CREATE INDEX site_by_name ON registry.site (tenant_id, (CASE WHEN name IS NULL THEN '' ELSE name END COLLATE "C"), id);
DROP INDEX registry.device_by_name;
CREATE INDEX device_by_name ON registry.device (tenant_id, (CASE WHEN name IS NULL THEN '' ELSE name END COLLATE "C"), id);
DROP INDEX registry.sensor_by_name;
CREATE INDEX sensor_by_name ON registry.sensor (tenant_id, (CASE WHEN name IS NULL THEN '' ELSE name END COLLATE "C"), id);
