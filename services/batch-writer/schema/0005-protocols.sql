-- How many readings came in by which way: by day of arrival (UTC), and by minute for what is going on now. A slot is a row of its own for each of the
-- writers, as in tenant_count.
CREATE TABLE telemetry.protocol_day (
    tenant_id integer     NOT NULL,
    day       date        NOT NULL,
    protocol  text        NOT NULL,
    slot      smallint    NOT NULL,
    stored    bigint      NOT NULL,
    duplicate bigint      NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, day, protocol, slot)
) WITH (fillfactor = 50);
COMMENT ON COLUMN telemetry.protocol_day.last_at IS 'the minute of the last that came';

CREATE TABLE telemetry.protocol_minute (
    tenant_id integer  NOT NULL,
    minute    integer  NOT NULL,
    protocol  text     NOT NULL,
    slot      smallint NOT NULL,
    stored    bigint   NOT NULL,
    duplicate bigint   NOT NULL,
    PRIMARY KEY (tenant_id, minute, protocol, slot)
) WITH (fillfactor = 50);
COMMENT ON COLUMN telemetry.protocol_minute.minute IS 'since 1970, UTC; two hours are kept';

ALTER TABLE telemetry.protocol_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE telemetry.protocol_minute ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON telemetry.protocol_day FOR SELECT
    USING (tenant_id = (SELECT nullif(current_setting('nwims.tenant_id', true), '')::integer));
CREATE POLICY tenant ON telemetry.protocol_minute FOR SELECT
    USING (tenant_id = (SELECT nullif(current_setting('nwims.tenant_id', true), '')::integer));

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_history') THEN
        GRANT SELECT ON telemetry.protocol_day, telemetry.protocol_minute TO nwims_history;
    END IF;
END
$$;
