/* Row-level security holds when a service's own SQL forgets the tenant. PostgreSQL writes down every statement that the
 * service's role runs while the other tests of the program drive it; at the end each is run once more without its
 * tenant clause: as the role it must do what it did with the clause, and as the superuser, whom no policy binds, some
 * must do more, or the attempt would prove nothing. Everything fails the test itself. */
#pragma once
#include "base/buffer.h"
#include "store/store.h"
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the four that it needs */
#include <cmocka.h>

enum { FORGOTTEN_MOST = 20000, FORGOTTEN_EACH = 6 };

/* Before the service connects. */
static inline void forgotten_tenant_listen(struct store *superuser, const char *role)
{
    AUTO(store_session) session = NULL;
    struct err err = { 0 };
    char script[256];
    snprintf(script, sizeof script,
        "ALTER ROLE %s SET log_statement = 'all'; ALTER ROLE %s SET log_parameter_max_length = 2000", role, role);
    if (!store_session_open(&session, superuser, &err) || !store_script(session, script, &err) ||
        !store_run(session, "ALTER SYSTEM SET log_line_prefix = '%u|'", NO_PARAMS, NULL, &err) ||
        !store_script(session, "SELECT pg_reload_conf()", &err))
        fail_msg("%s", err.text);
}

/* One statement as it was run: its text, its parameters as literals, separated by commas, and the tenant of its clause.
 */
struct forgotten_statement {
    char *sql, *values;
    int tenant_id;
};
struct forgotten {
    const char *role;
    struct forgotten_statement *statements;
    size_t count, tried, mattered, silent;
    regex_t walled; /* a table with row-level security, as a statement would use it */
};

/* ---- reading the log --------------------------------------------------------------------------------------------- */
/* "$1 = '2', $2 = NULL" without the names; NULL if it is cut off. */
static inline char *forgotten_values(const char *detail)
{
    char *values = calloc(1, strlen(detail) + 2), *out = values;
    while (*detail == '$') {
        const char *at = strstr(detail, " = ");
        if (!at)
            break;
        at += 3;
        const char *end = at;
        if (*end == '\'')
            for (end++; *end && (*end != '\'' || end[1] == '\''); end++)
                end += *end == '\'';
        else
            end += strcspn(end, ",") - 1;
        if (!*end)
            break;
        out += sprintf(out, "%s%.*s", out == values ? "" : ",", (int)(end - at + 1), at);
        detail = end + 1;
        detail += strspn(detail, ", ");
    }
    if (*detail == '\0')
        return values;
    free(values);
    return NULL;
}

/* The value of parameter $number as a whole number; 0 if it is none. */
static inline int forgotten_number(const char *values, int number)
{
    for (; number > 1 && values; number--) {
        if (*values == '\'')
            for (values++; *values && (*values != '\'' || values[1] == '\''); values++)
                values += *values == '\'';
        values = strchr(values, ',');
        values = values ? values + 1 : NULL;
    }
    return values && *values == '\'' ? atoi(values + 1) : 0;
}

static inline regex_t *forgotten_clause(void)
{
    static regex_t clause;
    static bool is_made;
    if (!is_made && regcomp(&clause, "([a-z_]+[.])?tenant_id = [$]([0-9]+)(::[a-z0-9]+)?", REG_EXTENDED) != 0)
        fail_msg("the pattern of a tenant clause is wrong");
    is_made = true;
    return &clause;
}

static inline void forgotten_add(struct forgotten *all, const char *sql, char *values)
{
    regmatch_t found[4];
    bool has_clause = regexec(forgotten_clause(), sql, 4, found, 0) == 0;
    int tenant_id = has_clause ? forgotten_number(values, atoi(sql + found[2].rm_so)) : 0;
    if (!has_clause && strncmp(sql, "INSERT ", 7) != 0 && regexec(&all->walled, sql, 0, NULL, 0) == 0)
        fail_msg("%s runs a statement that names no tenant: %s", all->role, sql);
    if (tenant_id < 1 || all->count == FORGOTTEN_MOST) {
        free(values);
        return;
    }
    all->statements[all->count++] = (struct forgotten_statement){ strdup(sql), values, tenant_id };
}

static inline void forgotten_read(struct forgotten *all, const char *folder)
{
    char path[512], prefix[128], *line = NULL, *sql = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/postgres.log", folder);
    snprintf(prefix, sizeof prefix, "%s|", all->role);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s cannot be read", path);
    while (getline(&line, &size, file) > 0) {
        char *text = strncmp(line, prefix, strlen(prefix)) == 0 ? line + strlen(prefix) : NULL;
        char *statement = text && strncmp(text, "LOG:  execute ", 14) == 0 ? strstr(text, ": ") : NULL;
        line[strcspn(line, "\n")] = '\0';
        if (statement && (statement = strstr(statement + 2, ": "))) {
            free(sql);
            sql = strdup(statement + 2);
        } else if (text && sql && strncmp(text, "DETAIL:  parameters: ", 21) == 0) {
            char *values = forgotten_values(text + 21);
            if (values)
                forgotten_add(all, sql, values);
        }
    }
    free(sql);
    free(line);
    fclose(file);
}

/* Which tables of the schema (the superuser's search path) belong to tenants. */
static inline void forgotten_find_tables(struct forgotten *all, struct store_session *session)
{
    AUTO(store_result) result = NULL;
    struct err err = { 0 };
    char pattern[4096];
    if (!store_begin(session, 0, &err) ||
        !store_query(session, &result,
            "SELECT string_agg(relname, '|') FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND "
            "relrowsecurity",
            NO_PARAMS, &err))
        fail_msg("%s", err.text);
    store_rollback(session);
    assert_non_null(store_result_text(result, 0, 0));
    snprintf(pattern, sizeof pattern, "(FROM|JOIN|UPDATE) ([a-z_]+[.])?(%s)( |$|,)", store_result_text(result, 0, 0));
    if (regcomp(&all->walled, pattern, REG_EXTENDED) != 0)
        fail_msg("the pattern of tables is wrong: %s", pattern);
}

/* ---- without the clause ------------------------------------------------------------------------------------------ */
/* Three runs must see the same time. */
static inline void forgotten_put_fixed(struct buffer *out, const char *sql, size_t length)
{
    static const char *const clocks[] = { "clock_timestamp()", "now()" };
    for (const char *end = sql + length; sql < end;) {
        size_t clock = 0;
        while (clock < COUNT_OF(clocks) && strncmp(sql, clocks[clock], strlen(clocks[clock])) != 0)
            clock++;
        if (clock == COUNT_OF(clocks)) {
            buffer_put_char(out, *sql++);
            continue;
        }
        buffer_put_text(out, "current_setting('nwims.test_now')::timestamptz");
        sql += strlen(clocks[clock]);
    }
}

/* The parameter stays in use, so that it keeps its number and type. */
static inline void forgotten_put_without(struct buffer *out, const char *sql)
{
    regmatch_t found[4];
    while (regexec(forgotten_clause(), sql, 4, found, 0) == 0) {
        forgotten_put_fixed(out, sql, (size_t)found[0].rm_so);
        buffer_printf(out, "($%d::integer IS NOT NULL)", atoi(sql + found[2].rm_so));
        sql += found[0].rm_eo;
    }
    forgotten_put_fixed(out, sql, strlen(sql));
}

/* What it did, as a text to compare: its rows in any order, or how many it touched. NULL with why if it failed. */
static inline char *forgotten_run(struct store_session *session, const struct forgotten_statement *statement,
    const char *role, bool without, struct err *why)
{
    AUTO(store_result) result = NULL;
    AUTO_INPLACE(buffer) sql = { .ceiling_bytes = 1 << 20 };
    bool is_read = strncmp(statement->sql, "SELECT", 6) == 0 ||
                   (strncmp(statement->sql, "WITH", 4) == 0 && !strstr(statement->sql, "UPDATE ") &&
                       !strstr(statement->sql, "DELETE ") && !strstr(statement->sql, "INSERT "));
    char *did = NULL, become[128];
    *why = (struct err){ 0 };
    snprintf(become, sizeof become, "SET LOCAL ROLE %s", role);
    if (!store_begin(session, statement->tenant_id, why) || !store_script(session, become, why))
        return NULL;
    buffer_put_text(&sql, "PREPARE forgotten AS ");
    if (is_read)
        buffer_put_text(
            &sql, "SELECT count(*) || ' ' || md5(coalesce(string_agg(q::text, ' ' ORDER BY q::text), '')) FROM (");
    if (without)
        forgotten_put_without(&sql, statement->sql);
    else
        forgotten_put_fixed(&sql, statement->sql, strlen(statement->sql));
    if (is_read)
        buffer_put_text(&sql, ") q");
    if (store_script(session, sql.data, why)) {
        sql.size = 0;
        buffer_printf(&sql, "EXECUTE forgotten(%s)", statement->values);
        if (store_query(session, &result, sql.data, NO_PARAMS, why)) {
            did = malloc(64);
            snprintf(did, 64, "%.60s", is_read ? store_result_text(result, 0, 0) : "touched");
            if (!is_read)
                snprintf(did, 64, "%ld touched", (long)store_result_affected(result));
        }
    }
    store_rollback(session);
    struct err ignored = { 0 };
    (void)!store_script(session, "DEALLOCATE forgotten", &ignored);
    return did;
}

static inline void forgotten_try(
    struct forgotten *all, struct store_session *session, const struct forgotten_statement *statement)
{
    struct err why;
    char *meant = forgotten_run(session, statement, "postgres", false, &why);
    char *open = meant ? forgotten_run(session, statement, "postgres", true, &why) : NULL;
    char *walled = open ? forgotten_run(session, statement, all->role, true, &why) : NULL;
    if (walled && strcmp(walled, meant) != 0)
        fail_msg("without its tenant clause, in tenant %d, %s does more (%s, not %s): %s with %s", statement->tenant_id,
            all->role, walled, meant, statement->sql, statement->values);
    if (walled) {
        all->tried++;
        all->mattered += strcmp(open, meant) != 0;
    } else {
        all->silent++;
        if (getenv("NWIMS_FORGOTTEN_VERBOSE"))
            fprintf(stderr, "not tried: %s: %s with %s\n", why.text, statement->sql, statement->values);
    }
    free(meant);
    free(open);
    free(walled);
}

/* After everything else: folder is PostgreSQL's, superuser has the service's schema as its search path. At least so
 * many different statements must have been tried, and the clause must have mattered in at least so many of the
 * attempts. */
static inline void forgotten_tenant_check(
    struct store *superuser, const char *folder, const char *role, size_t least_statements, size_t least_mattered)
{
    AUTO(store_session) session = NULL;
    struct err err = { 0 };
    struct forgotten all = { .role = role, .statements = calloc(FORGOTTEN_MOST, sizeof *all.statements) };
    size_t texts = 0;
    if (!store_session_open(&session, superuser, &err) ||
        !store_script(
            session, "SET lock_timeout = '5s'; SELECT set_config('nwims.test_now', now()::text, false)", &err))
        fail_msg("%s", err.text);
    forgotten_find_tables(&all, session);
    forgotten_read(&all, folder);
    for (size_t i = all.count; i-- > 0;) {
        size_t seen = 0;
        for (size_t later = i + 1; later < all.count && seen < FORGOTTEN_EACH; later++)
            seen += strcmp(all.statements[later].sql, all.statements[i].sql) == 0;
        texts += seen == 0;
        if (seen < FORGOTTEN_EACH)
            forgotten_try(&all, session, &all.statements[i]);
    }
    fprintf(stderr,
        "%s: %zu statements, %zu attempts without the tenant, the clause mattered in %zu, %zu could not be repeated\n",
        role, texts, all.tried, all.mattered, all.silent);
    assert_true(texts >= least_statements && all.mattered >= least_mattered && all.tried > all.silent);
    for (size_t i = 0; i < all.count; i++) {
        free(all.statements[i].sql);
        free(all.statements[i].values);
    }
    free(all.statements);
    regfree(&all.walled);
}
