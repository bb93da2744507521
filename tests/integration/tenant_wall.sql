-- Whether a role that works in a schema can get at a tenant's rows from another tenant, tried on every table there is: made for the test
-- tenant_wall_test, run as the superuser in a database that is thrown away. One text for each hole, none if the wall holds.

-- A value of the column's type; those of two tenants differ, so that no unique index is in the way.
CREATE FUNCTION pg_temp.value_of(type oid, tenant integer) RETURNS text LANGUAGE sql AS $$
    SELECT CASE
        WHEN t.typcategory = 'A' THEN quote_literal('{}')
        WHEN t.typname = 'uuid' THEN quote_literal(gen_random_uuid())
        WHEN t.typname IN ('json', 'jsonb') THEN quote_literal('{}')
        WHEN t.typname IN ('timestamptz', 'timestamp') THEN 'now()'
        WHEN t.typname = 'date' THEN 'current_date'
        WHEN t.typname = 'interval' THEN quote_literal('1 hour')
        WHEN t.typname = 'inet' THEN quote_literal('192.0.2.' || tenant)
        WHEN t.typname = 'bytea' THEN format('sha256(%L::bytea)', 'x' || tenant)
        WHEN t.typcategory = 'B' THEN 'true'
        WHEN t.typcategory = 'E' THEN (SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = type LIMIT 1)
        WHEN t.typcategory = 'S' THEN quote_literal('x' || tenant)
        WHEN t.typcategory = 'N' THEN tenant::text
    END FROM pg_type t WHERE t.oid = type
$$;

-- An INSERT of one row of a tenant with all that must be there.
CREATE FUNCTION pg_temp.insert_of(wall_table regclass, tenant integer) RETURNS text LANGUAGE sql AS $$
    SELECT format('INSERT INTO %s (%s) VALUES (%s)', wall_table, string_agg(quote_ident(a.attname), ', '),
                  string_agg(CASE WHEN a.attname = 'tenant_id' THEN tenant::text ELSE pg_temp.value_of(a.atttypid, tenant) END, ', '))
      FROM pg_attribute a
     WHERE a.attrelid = wall_table AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
       AND (a.attname = 'tenant_id' OR (a.attnotnull AND NOT a.atthasdef))
$$;

-- What an action did as the role, at work in tenant 7: how many rows, or -1 if it was refused.
CREATE FUNCTION pg_temp.try_as(role text, setting text, action text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE done bigint;
BEGIN
    PERFORM set_config('nwims.tenant_id', setting, true);
    EXECUTE format('SET LOCAL ROLE %I', role);
    IF action LIKE 'SELECT%' THEN
        EXECUTE action INTO done;
    ELSE
        EXECUTE action;
        GET DIAGNOSTICS done = ROW_COUNT;
    END IF;
    RESET ROLE;
    RETURN done;
EXCEPTION WHEN insufficient_privilege THEN -- also what row-level security says; the role is the old one again
    RETURN -1;
END
$$;

CREATE FUNCTION pg_temp.holes_of_table(wall_table regclass, role text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    constraint_name text;
    may_select boolean := has_table_privilege(role, wall_table, 'SELECT');
BEGIN
    FOR constraint_name IN SELECT conname FROM pg_constraint WHERE conrelid = wall_table AND contype = 'c' AND coninhcount = 0 LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', wall_table, constraint_name);
    END LOOP;
    IF (SELECT relkind FROM pg_class WHERE oid = wall_table) = 'p' THEN
        EXECUTE format('CREATE TABLE %s PARTITION OF %s DEFAULT', wall_table || '_wall', wall_table);
    END IF;
    EXECUTE pg_temp.insert_of(wall_table, 7);
    EXECUTE pg_temp.insert_of(wall_table, 8);
    IF may_select THEN
        IF pg_temp.try_as(role, '7', format('SELECT count(*) FROM %s WHERE tenant_id = 7', wall_table)) <> 1 THEN
            RETURN NEXT format('%s does not see the own row of %s', role, wall_table);
        END IF;
        IF pg_temp.try_as(role, '7', format('SELECT count(*) FROM %s WHERE tenant_id = 8', wall_table)) <> 0 THEN
            RETURN NEXT format('%s sees a row of another tenant in %s', role, wall_table);
        END IF;
        IF pg_temp.try_as(role, '', format('SELECT count(*) FROM %s', wall_table)) <> 0 THEN
            RETURN NEXT format('%s sees rows of %s without a tenant', role, wall_table);
        END IF;
    END IF;
    IF pg_temp.try_as(role, '7', pg_temp.insert_of(wall_table, 9)) > 0 THEN
        RETURN NEXT format('%s puts a row of another tenant into %s', role, wall_table);
    END IF;
    IF pg_temp.try_as(role, '7', format('UPDATE %s SET tenant_id = 7 WHERE tenant_id = 8', wall_table)) > 0 THEN
        RETURN NEXT format('%s takes a row of another tenant in %s', role, wall_table);
    END IF;
    IF pg_temp.try_as(role, '7', format('UPDATE %s SET tenant_id = 9 WHERE tenant_id = 7', wall_table)) > 0 THEN
        RETURN NEXT format('%s gives the own row of %s to another tenant', role, wall_table);
    END IF;
    IF pg_temp.try_as(role, '7', format('DELETE FROM %s WHERE tenant_id = 8', wall_table)) > 0 THEN
        RETURN NEXT format('%s deletes a row of another tenant in %s', role, wall_table);
    END IF;
END
$$;

-- exempt: tables, as schema.table, that are known to have no tenant's rows, or to be for all tenants.
CREATE FUNCTION pg_temp.holes(role text, exempt text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    t record;
BEGIN
    SET LOCAL session_replication_role = replica; -- rows without those that they refer to
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role AND (rolsuper OR rolbypassrls)) THEN
        RETURN NEXT format('%s may pass by row-level security', role);
    END IF;
    FOR t IN
        SELECT c.oid::regclass AS name, c.relrowsecurity AS is_walled, c.relowner::regrole::text AS owner,
               EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS has_tenant
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'f', 'm', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_t%'
           AND has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
           AND c.relname NOT IN ('schema_migration', 'outbox') AND NOT n.nspname || '.' || c.relname = ANY (exempt)
         ORDER BY 1
    LOOP
        IF NOT t.has_tenant THEN
            RETURN NEXT format('%s has no column tenant_id: if it holds nothing of a tenant, say so in tenant_wall_test', t.name);
        ELSIF t.owner = role THEN
            RETURN NEXT format('%s owns %s', role, t.name);
        ELSIF NOT t.is_walled THEN
            RETURN NEXT format('%s has no row-level security', t.name);
        ELSE
            RETURN QUERY SELECT pg_temp.holes_of_table(t.name, role);
        END IF;
        IF has_table_privilege(role, t.name, 'TRUNCATE') THEN
            RETURN NEXT format('%s may empty %s for all tenants', role, t.name);
        END IF;
    END LOOP;
END
$$;
