-- When a device was last heard of, and what it is to do.

-- Connections come and go by event, perhaps twice and out of order: each column only moves forward in the event's own time, and whether the device is
-- connected follows from them (its newest connection is not the one that ended).
CREATE TABLE registry.device_presence (
    tenant_id       integer     NOT NULL CHECK (tenant_id > 0),
    device_id       uuid        NOT NULL,
    protocol        text,
    peer            text,
    last_seen_at    timestamptz,
    last_reading_at timestamptz,
    connected_at    timestamptz,
    connection_id   text,
    disconnected_at timestamptz,
    ended_id        text,
    reason          text,
    PRIMARY KEY (tenant_id, device_id),
    CONSTRAINT device_presence_device_fk FOREIGN KEY (tenant_id, device_id) REFERENCES registry.device ON DELETE CASCADE
) WITH (fillfactor = 80);
COMMENT ON COLUMN registry.device_presence.ended_id IS 'The connection that ended last';

CREATE TABLE registry.device_command (
    tenant_id    integer     NOT NULL CHECK (tenant_id > 0),
    id           uuid        NOT NULL,
    device_id    uuid        NOT NULL,
    name         text        NOT NULL CHECK (name <> '' AND length(name) <= 64),
    payload      text,
    state        text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'delivered', 'succeeded', 'failed', 'expired')),
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    told_at      timestamptz NOT NULL DEFAULT now(),
    sent_at      timestamptz,
    delivered_at timestamptz,
    finished_at  timestamptz,
    result       text,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT device_command_device_fk FOREIGN KEY (tenant_id, device_id) REFERENCES registry.device ON DELETE CASCADE
);
COMMENT ON COLUMN registry.device_command.told_at IS 'When the ingests were last told of it';
CREATE INDEX device_command_by_age ON registry.device_command (tenant_id, device_id, created_at, id);
CREATE INDEX device_command_open ON registry.device_command (tenant_id, device_id) WHERE state IN ('queued', 'sent', 'delivered');
-- Without the tenant in front: for what time alone decides, over all tenants.
CREATE INDEX device_command_due ON registry.device_command (expires_at) WHERE state IN ('queued', 'sent', 'delivered');
CREATE INDEX device_command_untold ON registry.device_command (told_at) WHERE state = 'queued';
CREATE INDEX device_command_over ON registry.device_command (finished_at) WHERE state IN ('succeeded', 'failed', 'expired');

ALTER TABLE registry.device_presence ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.device_command ENABLE ROW LEVEL SECURITY;
CREATE POLICY device_presence_tenant ON registry.device_presence USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);
CREATE POLICY device_command_tenant ON registry.device_command USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

-- What is over its time, of all tenants: as the owner, and nothing but this. Replicas that do it at once take different rows.
CREATE FUNCTION registry.expire_commands(most integer)
RETURNS TABLE (tenant_id integer, id uuid, device_id uuid, protocol text, name text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = registry, pg_temp AS $$
    WITH due AS (
        SELECT c.tenant_id, c.id FROM device_command c WHERE c.state IN ('queued', 'sent', 'delivered') AND c.expires_at <= now()
         ORDER BY c.expires_at LIMIT most FOR UPDATE SKIP LOCKED)
    UPDATE device_command c SET state = 'expired', finished_at = now() FROM due, device d
     WHERE c.tenant_id = due.tenant_id AND c.id = due.id AND d.tenant_id = c.tenant_id AND d.id = c.device_id
    RETURNING c.tenant_id, c.id, c.device_id, d.protocol, c.name
$$;
-- What an ingest should have sent long ago: it may not have heard of it (events reach it without a guarantee).
CREATE FUNCTION registry.repeat_commands(most integer, after interval)
RETURNS TABLE (tenant_id integer, id uuid, device_id uuid, protocol text, name text, payload text, created_at timestamptz, expires_at timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = registry, pg_temp AS $$
    WITH due AS (
        SELECT c.tenant_id, c.id FROM device_command c JOIN device_presence p ON p.tenant_id = c.tenant_id AND p.device_id = c.device_id
         WHERE c.state = 'queued' AND c.told_at < now() - after AND c.expires_at > now() AND p.last_seen_at > now() - interval '1 hour'
         ORDER BY c.told_at LIMIT most FOR UPDATE OF c SKIP LOCKED)
    UPDATE device_command c SET told_at = now() FROM due, device d
     WHERE c.tenant_id = due.tenant_id AND c.id = due.id AND d.tenant_id = c.tenant_id AND d.id = c.device_id
    RETURNING c.tenant_id, c.id, c.device_id, d.protocol, c.name, c.payload, c.created_at, c.expires_at
$$;
CREATE FUNCTION registry.purge_commands(most integer, older_than interval) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = registry, pg_temp AS $$
    WITH over AS (
        SELECT c.tenant_id, c.id FROM device_command c WHERE c.state IN ('succeeded', 'failed', 'expired') AND c.finished_at < now() - older_than
         ORDER BY c.finished_at LIMIT most FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM device_command c USING over WHERE c.tenant_id = over.tenant_id AND c.id = over.id RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION registry.expire_commands, registry.repeat_commands, registry.purge_commands FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON registry.device_presence, registry.device_command TO nwims_registry;
        GRANT EXECUTE ON FUNCTION registry.expire_commands, registry.repeat_commands, registry.purge_commands TO nwims_registry;
    END IF;
END
$$;
