-- Since when each partition of readings has not grown: what is quiet may have its index rebuilt.
CREATE TABLE telemetry.partition_watch (
    partition  text        PRIMARY KEY,
    heap_bytes bigint      NOT NULL,
    since      timestamptz NOT NULL
);
COMMENT ON COLUMN telemetry.partition_watch.since IS 'when the partition was first seen with this size';
