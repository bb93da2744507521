-- Which tenants have a chain, and since when, is nobody's business but theirs: a chain is seen in a transaction of its tenant, as all else is.
-- Whoever signs heads goes through all of them, and gets their numbers from this function only.

CREATE FUNCTION audit.list_chains() RETURNS TABLE (tenant_id integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    SELECT c.tenant_id FROM chain c ORDER BY c.tenant_id
$$;
REVOKE ALL ON FUNCTION audit.list_chains FROM PUBLIC;

ALTER TABLE audit.chain ENABLE ROW LEVEL SECURITY;
CREATE POLICY chain_tenant ON audit.chain USING (tenant_id = NULLIF(current_setting('nwims.tenant_id', true), '')::integer);

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nwims_auditor') THEN
        GRANT EXECUTE ON FUNCTION audit.list_chains TO nwims_auditor;
    END IF;
END
$$;
