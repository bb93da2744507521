-- The numbers of records that are stored and that device_sequence does not know yet: one row a message of the stream. Several writers store messages in
-- whatever order; one of them takes these in the order of the stream, as far as all that stood before is stored.
CREATE TABLE telemetry.sequence_due (
    stream_epoch    bigint  NOT NULL,
    stream_sequence bigint  NOT NULL,
    tenant_id       integer NOT NULL,
    marks           bytea   NOT NULL,
    PRIMARY KEY (stream_epoch, stream_sequence)
);
COMMENT ON COLUMN telemetry.sequence_due.marks IS 'nwims.v1.SequenceMarks';
ALTER TABLE telemetry.sequence_due ENABLE ROW LEVEL SECURITY;
