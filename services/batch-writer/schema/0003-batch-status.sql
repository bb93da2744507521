-- history tells a caller who did not wait what became of his batch: the ledger's rows of his tenant.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_history') THEN
        GRANT SELECT ON telemetry.committed_message TO nwims_history;
    END IF;
END
$$;
