-- What came in is counted once, by protocol and day: the count by day alone was the same again in every transaction. What it has and the other
-- lacks (days from before protocols were counted) moves as the protocol '', of which nothing is known.
INSERT INTO telemetry.protocol_day (tenant_id, day, protocol, slot, stored, duplicate, last_at)
SELECT a.tenant_id, a.day, '', 0, a.stored - coalesce(p.stored, 0), a.duplicate - coalesce(p.duplicate, 0), coalesce(a.updated_at, a.day + interval '1 day')
FROM (SELECT tenant_id, day, sum(stored) AS stored, sum(duplicate) AS duplicate, max(updated_at) AS updated_at
      FROM telemetry.tenant_count GROUP BY tenant_id, day) a
LEFT JOIN (SELECT tenant_id, day, sum(stored) AS stored, sum(duplicate) AS duplicate
           FROM telemetry.protocol_day GROUP BY tenant_id, day) p USING (tenant_id, day)
WHERE (a.stored, a.duplicate) <> (coalesce(p.stored, 0), coalesce(p.duplicate, 0));

DROP TABLE telemetry.tenant_count;

COMMENT ON COLUMN telemetry.protocol_day.last_at IS 'when the last was stored';
