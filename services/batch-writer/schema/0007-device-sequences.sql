-- Where each device's own sequence stands and what is missing of it, for devices that number their records and are acknowledged record by record:
-- written in the transaction that stores the readings, so that neither a kill nor a change of replica makes a gap or hides one.
CREATE TABLE telemetry.device_sequence (
    tenant_id  integer NOT NULL,
    device_id  uuid    NOT NULL,
    protocol   text    NOT NULL,
    state      bytea   NOT NULL DEFAULT '',
    changed_at timestamptz,
    was_told   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, device_id)
) WITH (fillfactor = 50);
COMMENT ON COLUMN telemetry.device_sequence.state IS 'nwims.v1.DeviceSequenceState; empty: no record has come';
COMMENT ON COLUMN telemetry.device_sequence.changed_at IS 'when what is missing changed; null: it is told';
COMMENT ON COLUMN telemetry.device_sequence.was_told IS 'something missing of it was told once';
CREATE INDEX device_sequence_untold ON telemetry.device_sequence (changed_at) WHERE changed_at IS NOT NULL;

-- Nobody but the writer sees it; others hear of it by events.<tenant>.gaps.
ALTER TABLE telemetry.device_sequence ENABLE ROW LEVEL SECURITY;
