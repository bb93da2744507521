-- How a device is asked for its readings, by ingests that ask (Modbus): services/ingest-tcp/README.md says what stands in it.
ALTER TABLE registry.device ADD COLUMN configuration text CHECK (length(configuration) <= 16384);
COMMENT ON COLUMN registry.device.configuration IS 'A JSON object, checked by the registry';
CREATE INDEX device_configured ON registry.device (id) WHERE configuration IS NOT NULL;

-- Those of every tenant, page by page: as the owner, and nothing but this.
CREATE FUNCTION registry.polled_devices(after uuid, most integer)
RETURNS TABLE (tenant_id integer, id uuid, code text, configuration text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = registry, pg_temp AS $$
    SELECT d.tenant_id, d.id, d.code, d.configuration
      FROM device d LEFT JOIN tenant_state t ON t.tenant_id = d.tenant_id
     WHERE d.configuration IS NOT NULL AND d.state = 'active' AND d.protocol = 'tcp' AND (after IS NULL OR d.id > after)
           AND NOT coalesce(t.is_suspended, false)
     ORDER BY d.id LIMIT most
$$;
REVOKE ALL ON FUNCTION registry.polled_devices FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT EXECUTE ON FUNCTION registry.polled_devices TO nwims_registry;
    END IF;
END
$$;
