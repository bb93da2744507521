/* Row-level security on every table of every service that a tenant's rows are in: the migrations as they stand in
 * services/, the roles as they stand in deploy/local/databases.table, and an attempt to get at another tenant's row in
 * every way there is. Who adds a table is found out here. */
#include "store/store.h"
#include "tests/support/test_process.h"
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LARGEST_FILE = 1 << 20, MOST_SLICES = 32 };

/* Tables without a tenant's rows, or for all tenants. Each is a decision. */
static const char exempt[] = "{"
                             "identity.tenant,"        /* every login needs it: the name and state of tenants */
                             "identity.signing_key,"   /* of the installation */
                             "identity.login_failure," /* fingerprints, before a tenant is known */
                             "audit.signing_key"       /* of the installation */
                             "}";

static struct test_postgres postgres;
static struct store *superuser;
static struct err err;
static struct slice {
    char schema[64], owner[64], worker[64]; /* worker "-": none of its own */
} slices[MOST_SLICES];
static size_t slice_count;

static void must(bool ok)
{
    if (!ok)
        fail_msg("%s", err.text);
}

static void sql(const char *script)
{
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, superuser, &err));
    must(store_script(session, script, &err));
}

static char *read_file(const char *path)
{
    static char text[LARGEST_FILE];
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s cannot be read: run this in the project's root", path);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    return text;
}

/* ---- the database as an installation has it ---------------------------------------------------------------------- */
static void make_role(const char *name)
{
    char script[512];
    if (strcmp(name, "-") == 0)
        return;
    snprintf(script, sizeof script,
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%s') THEN CREATE ROLE %s; END IF; END $$",
        name, name);
    sql(script);
}

static void make_slice(const struct slice *slice)
{
    char script[1024];
    make_role(slice->owner);
    make_role(slice->worker);
    if (strcmp(slice->schema, "-") == 0)
        return;
    snprintf(script, sizeof script,
        "CREATE SCHEMA %s AUTHORIZATION %s; SET ROLE %s; CREATE TABLE %s.schema_migration (version integer); RESET "
        "ROLE",
        slice->schema, slice->owner, slice->owner, slice->schema);
    sql(script);
}

static void read_slices(void)
{
    char *line, *rest = read_file("deploy/local/databases.table");
    while ((line = strsep(&rest, "\n")) && slice_count < MOST_SLICES) {
        struct slice *slice = &slices[slice_count];
        if (*line != '#' && sscanf(line, "%63s %63s %63s", slice->schema, slice->owner, slice->worker) == 3)
            slice_count++;
    }
    assert_in_range(slice_count, 5, MOST_SLICES - 1);
    for (size_t i = 0; i < slice_count; i++)
        make_slice(&slices[i]);
}

/* The schema that a migration is of: whose name it uses first. */
static const struct slice *slice_of(const char *script)
{
    const struct slice *of = NULL;
    const char *first = NULL;
    for (size_t i = 0; i < slice_count; i++) {
        char name[80];
        snprintf(name, sizeof name, " %.60s.", slices[i].schema);
        const char *at = strstr(script, name);
        if (at && (!first || at < first)) {
            first = at;
            of = &slices[i];
        }
    }
    return of;
}

static void migrate_all(void)
{
    glob_t files;
    assert_int_equal(glob("services/*/schema/*.sql", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        AUTO(store_session) session = NULL;
        char role[128];
        const char *script = read_file(files.gl_pathv[i]);
        const struct slice *slice = slice_of(script);
        if (!slice)
            fail_msg("%s is of no schema of deploy/local/databases.table", files.gl_pathv[i]);
        snprintf(role, sizeof role, "SET ROLE %s", slice->owner);
        must(store_session_open(&session, superuser, &err) && store_script(session, role, &err));
        if (!store_script(session, script, &err))
            fail_msg("%s: %s", files.gl_pathv[i], err.text);
        must(store_script(session, "RESET ROLE", &err));
    }
    globfree(&files);
}

static int start(void **state)
{
    (void)state;
    test_postgres_start(&postgres);
    const struct store_config config = { .url = postgres.url,
        .schema = "public",
        .name = "tenant-wall-test",
        .pool_size = 1,
        .wait_ms = 1000,
        .prepare = false };
    must(store_open(&superuser, &config, &err));
    read_slices();
    migrate_all();
    sql(read_file("tests/integration/tenant_wall.sql"));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    store_close(superuser);
    return 0;
}

/* ---- the wall ---------------------------------------------------------------------------------------------------- */
/* What the wall lets through, one a line, within a transaction that is undone. before: a script that makes a hole. */
static size_t count_holes(const char *role, const char *before, char *text, size_t size)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    must(store_session_open(&session, superuser, &err) && store_begin(session, 0, &err));
    must(store_script(session, before, &err));
    must(store_query(
        session, &result, "SELECT pg_temp.holes($1, $2::text[])", PARAMS(PARAM_TEXT(role), PARAM_TEXT(exempt)), &err));
    text[0] = '\0';
    for (size_t row = 0; row < store_result_rows(result); row++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "\n  %s", store_result_text(result, row, 0));
    }
    return store_result_rows(result);
}

static void no_role_that_works_gets_at_another_tenants_rows(void **state)
{
    char text[16384];
    size_t roles = 0;
    (void)state;
    for (size_t i = 0; i < slice_count; i++) {
        if (strcmp(slices[i].worker, "-") == 0)
            continue;
        if (count_holes(slices[i].worker, "SELECT 1", text, sizeof text) > 0)
            fail_msg("%s:%s", slices[i].worker, text);
        roles++;
    }
    assert_true(roles >= 4);
}

/* The attempt itself is tried: each hole that somebody could make is found. */
static void every_kind_of_hole_is_found(void **state)
{
    static const struct {
        const char *role, *hole, *expect;
    } cases[] = {
        { "nwims_registry", "ALTER TABLE registry.sensor DISABLE ROW LEVEL SECURITY",
            "registry.sensor has no row-level" },
        { "nwims_registry", "CREATE POLICY hole ON registry.sensor FOR SELECT USING (true)",
            "sees a row of another tenant in registry.sensor" },
        { "nwims_identity", "CREATE POLICY hole ON identity.api_key FOR INSERT WITH CHECK (true)",
            "puts a row of another tenant into identity.api_key" },
        { "nwims_identity",
            "CREATE POLICY hole ON identity.role FOR SELECT USING (true); CREATE POLICY hole2 ON identity.role FOR "
            "DELETE "
            "USING (true)",
            "deletes a row of another tenant in identity.role" },
        { "nwims_history",
            "CREATE POLICY hole ON telemetry.rollup_day FOR SELECT USING (current_setting('nwims.tenant_id', true) = "
            "'')",
            "sees rows of telemetry.rollup_day without a tenant" },
        { "nwims_auditor", "CREATE TABLE audit.note (text text); GRANT SELECT ON audit.note TO nwims_auditor",
            "audit.note has no column tenant_id" },
        { "nwims_auditor", "ALTER ROLE nwims_auditor BYPASSRLS", "may pass by row-level security" },
        { "nwims_registry", "GRANT TRUNCATE ON registry.zone TO nwims_registry", "may empty registry.zone" },
        { "nwims_registry",
            "CREATE VIEW registry.all_zones AS SELECT * FROM registry.zone; GRANT SELECT ON registry.all_zones TO "
            "nwims_registry",
            "registry.all_zones has no row-level security" },
    };
    char text[16384];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t holes = count_holes(cases[i].role, cases[i].hole, text, sizeof text);
        if (holes == 0 || !strstr(text, cases[i].expect))
            fail_msg("%s: not found:%s", cases[i].hole, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_role_that_works_gets_at_another_tenants_rows),
        cmocka_unit_test(every_kind_of_hole_is_found),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
