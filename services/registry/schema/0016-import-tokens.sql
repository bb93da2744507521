-- Tokens that an import of devices made, until whoever asked for it has taken them: wrapped under the master key, as other keys are. They go with
-- their job at the latest, and with their device.
CREATE TABLE registry.import_token (
    tenant_id integer NOT NULL CHECK (tenant_id > 0),
    job_id    uuid    NOT NULL,
    index     bigint  NOT NULL,
    device_id uuid    NOT NULL,
    wrapped   bytea   NOT NULL,
    PRIMARY KEY (tenant_id, job_id, index),
    CONSTRAINT import_token_job_fk FOREIGN KEY (tenant_id, job_id) REFERENCES registry.job ON DELETE CASCADE,
    CONSTRAINT import_token_device_fk FOREIGN KEY (tenant_id, device_id) REFERENCES registry.device ON DELETE CASCADE
);
CREATE INDEX import_token_by_device ON registry.import_token (tenant_id, device_id);

ALTER TABLE registry.import_token ENABLE ROW LEVEL SECURITY;
CREATE POLICY import_token_tenant ON registry.import_token USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_registry') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON registry.import_token TO nwims_registry;
    END IF;
END
$$;
