-- The telemetry slice: readings, what was derived from them, and what has been committed.
-- Written by batch-writer, which runs as the owner of all this (role nwims_batch_writer_owner): only an owner may attach partitions,
-- and PostgreSQL refuses COPY FROM to anyone for whom row-level security is in force. Read by history as nwims_history, which sees one
-- tenant's rows at a time and has no right on any partition by itself.

-- Widest columns first, so that nothing is padded: 24 bytes of header, 32 of values and 4 of line pointer make 60 a reading. A status
-- that is Good and flags that are 0 are null and take no room.
CREATE TABLE telemetry.reading (
    observed_at timestamptz      NOT NULL,
    received_at timestamptz      NOT NULL,
    value       double precision NOT NULL,
    sensor_no   integer          NOT NULL,
    tenant_id   integer          NOT NULL,
    status      integer,
    flags       smallint,
    PRIMARY KEY (sensor_no, observed_at)
) PARTITION BY RANGE (observed_at);
COMMENT ON TABLE telemetry.reading IS 'Readings as sent, in the canonical unit of their sensor; batch-writer makes the partitions.';
COMMENT ON COLUMN telemetry.reading.status IS 'OPC UA StatusCode; null: Good';
COMMENT ON COLUMN telemetry.reading.flags IS 'what the ingest noticed, as bits; null: nothing';

-- Which messages of the stream are stored: written in the transaction that stores them, so that a redelivery is recognised.
-- stream_epoch is when the stream was made: positions of a stream that was made anew never match those of the one before.
CREATE TABLE telemetry.committed_message (
    stream_epoch    bigint      NOT NULL,
    stream_sequence bigint      NOT NULL,
    tenant_id       integer     NOT NULL,
    stored          integer     NOT NULL,
    duplicate       integer     NOT NULL,
    committed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream_epoch, stream_sequence)
);
CREATE INDEX committed_message_age ON telemetry.committed_message USING brin (committed_at);

-- How many readings came in, by day of arrival (UTC). A slot is a row of its own for each of the writers, so that none waits for another's
-- commit; the count of a day is the sum over its slots.
CREATE TABLE telemetry.tenant_count (
    tenant_id integer  NOT NULL,
    day       date     NOT NULL,
    slot      smallint NOT NULL,
    stored    bigint   NOT NULL,
    duplicate bigint   NOT NULL,
    PRIMARY KEY (tenant_id, day, slot)
) WITH (fillfactor = 50);

-- Which hours of which sensors have readings that the rollups do not know yet: one row a commit. External storage: no time spent on packing.
CREATE TABLE telemetry.rollup_due (
    id         bigint    GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    marks      integer   NOT NULL,
    first_hour integer   NOT NULL,
    last_hour  integer   NOT NULL,
    sensor_no  integer[] NOT NULL,
    hour       integer[] NOT NULL
);
ALTER TABLE telemetry.rollup_due ALTER sensor_no SET STORAGE EXTERNAL, ALTER hour SET STORAGE EXTERNAL;
COMMENT ON COLUMN telemetry.rollup_due.hour IS 'hours since 1970, UTC; item i belongs to sensor_no[i]';

CREATE TABLE telemetry.rollup_hour (
    start_at  timestamptz      NOT NULL,
    last_at   timestamptz      NOT NULL,
    min       double precision NOT NULL,
    max       double precision NOT NULL,
    sum       double precision NOT NULL,
    last      double precision NOT NULL,
    sensor_no integer          NOT NULL,
    tenant_id integer          NOT NULL,
    count     integer          NOT NULL,
    PRIMARY KEY (sensor_no, start_at)
);
CREATE TABLE telemetry.rollup_day (LIKE telemetry.rollup_hour INCLUDING ALL);

-- ---- tenants apart: history sees the tenant that the transaction names, and nothing if it names none ----
ALTER TABLE telemetry.reading ENABLE ROW LEVEL SECURITY;
ALTER TABLE telemetry.tenant_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE telemetry.rollup_hour ENABLE ROW LEVEL SECURITY;
ALTER TABLE telemetry.rollup_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE telemetry.committed_message ENABLE ROW LEVEL SECURITY;
ALTER TABLE telemetry.rollup_due ENABLE ROW LEVEL SECURITY;

-- nullif: a setting that was local to an earlier transaction reads as '' afterwards. The sub-select is evaluated once a query.
CREATE POLICY tenant ON telemetry.reading FOR SELECT
    USING (tenant_id = (SELECT nullif(current_setting('nwims.tenant_id', true), '')::integer));
CREATE POLICY tenant ON telemetry.tenant_count FOR SELECT
    USING (tenant_id = (SELECT nullif(current_setting('nwims.tenant_id', true), '')::integer));
CREATE POLICY tenant ON telemetry.rollup_hour FOR SELECT
    USING (tenant_id = (SELECT nullif(current_setting('nwims.tenant_id', true), '')::integer));
CREATE POLICY tenant ON telemetry.rollup_day FOR SELECT
    USING (tenant_id = (SELECT nullif(current_setting('nwims.tenant_id', true), '')::integer));
CREATE POLICY tenant ON telemetry.committed_message FOR SELECT
    USING (tenant_id = (SELECT nullif(current_setting('nwims.tenant_id', true), '')::integer));

-- Marks of all tenants share a row of rollup_due, so it is read through this function: the hours of one sensor from first to last that
-- the rollups do not know yet, and only where the tenant of the transaction has readings.
CREATE FUNCTION telemetry.due_hours(wanted integer, first integer, last integer) RETURNS SETOF integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT due.hour
    FROM (SELECT DISTINCT m.hour
          FROM telemetry.rollup_due d, unnest(d.sensor_no, d.hour) AS m (sensor_no, hour)
          WHERE d.first_hour <= last AND d.last_hour >= first AND wanted = ANY (d.sensor_no)
            AND m.sensor_no = wanted AND m.hour BETWEEN first AND last) due
    WHERE EXISTS (SELECT FROM telemetry.reading r
                  WHERE r.sensor_no = wanted
                    AND r.observed_at >= timestamptz 'epoch' + due.hour * interval '1 hour'
                    AND r.observed_at < timestamptz 'epoch' + (due.hour + 1) * interval '1 hour'
                    AND r.tenant_id = nullif(current_setting('nwims.tenant_id', true), '')::integer)
$$;
REVOKE ALL ON FUNCTION telemetry.due_hours FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'nwims_history') THEN
        GRANT USAGE ON SCHEMA telemetry TO nwims_history;
        GRANT SELECT ON telemetry.reading, telemetry.tenant_count, telemetry.rollup_hour, telemetry.rollup_day TO nwims_history;
        GRANT EXECUTE ON FUNCTION telemetry.due_hours TO nwims_history;
    END IF;
END
$$;
