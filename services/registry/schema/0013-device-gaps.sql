-- What is missing of the numbers that devices give their records: the newest event of each device says all.
CREATE TABLE registry.device_gaps (
    tenant_id  integer     NOT NULL CHECK (tenant_id > 0),
    device_id  uuid        NOT NULL,
    told_at    timestamptz NOT NULL,
    firsts     bigint[]    NOT NULL,
    lasts      bigint[]    NOT NULL,
    late       bigint      NOT NULL,
    forgotten  bigint      NOT NULL,
    PRIMARY KEY (tenant_id, device_id),
    CONSTRAINT device_gaps_ranges CHECK (cardinality(firsts) = cardinality(lasts) AND cardinality(firsts) <= 16),
    CONSTRAINT device_gaps_device_fk FOREIGN KEY (tenant_id, device_id) REFERENCES registry.device ON DELETE CASCADE
);
COMMENT ON COLUMN registry.device_gaps.firsts IS 'Each open range, ascending, from firsts to lasts';

ALTER TABLE registry.device_gaps ENABLE ROW LEVEL SECURITY;
CREATE POLICY device_gaps_tenant ON registry.device_gaps USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON registry.device_gaps TO nwims_registry;
    END IF;
END
$$;
