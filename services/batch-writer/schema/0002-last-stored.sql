-- When readings of a tenant were last stored, for overviews: the newest over the slots of a day.
ALTER TABLE telemetry.tenant_count ADD COLUMN updated_at timestamptz;
COMMENT ON COLUMN telemetry.tenant_count.updated_at IS 'of the last commit that this slot counted; null: before this column was there';
