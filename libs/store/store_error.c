/* SQLSTATE to error kinds, and texts that a log may hold: PostgreSQL quotes offending values in its messages, we do
 * not. */
#include "base/text.h"
#include "store/store_internal.h"
#include <stdio.h>
#include <string.h>

struct state_kind {
    const char *begins;
    enum err_kind kind;
};

/* The first that fits. */
static const struct state_kind kinds[] = {
    { "23505", ERR_CONFLICT },  /* unique */
    { "23503", ERR_CONFLICT },  /* foreign key */
    { "23P01", ERR_CONFLICT },  /* exclusion */
    { "23001", ERR_CONFLICT },  /* restrict */
    { "22", ERR_INPUT },        /* data exceptions: range, cast, encoding */
    { "23", ERR_INPUT },        /* check, not null */
    { "08", ERR_TRANSIENT },    /* connection */
    { "40", ERR_TRANSIENT },    /* serialization, deadlock */
    { "53", ERR_TRANSIENT },    /* too many connections, disk full, out of memory */
    { "55P03", ERR_TRANSIENT }, /* lock_timeout */
    { "55006", ERR_TRANSIENT }, /* object in use */
    { "57014", ERR_TRANSIENT }, /* statement_timeout or cancelled */
    { "57P", ERR_TRANSIENT },   /* shutting down, starting up */
    { "58", ERR_TRANSIENT },    /* input and output of the server */
    { "25006", ERR_TRANSIENT }, /* read-only: a standby that is about to take over, or has just lost its place */
    { "25P03", ERR_TRANSIENT }, /* idle in transaction for too long */
    { "26000", ERR_TRANSIENT }, /* a pooler changed the connection under our prepared statement */
    { "28", ERR_CONFIG },       /* authentication */
    { "3D000", ERR_CONFIG },    /* no such database */
};

enum err_kind store_kind_of(const char *sqlstate)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strncmp(sqlstate, kinds[i].begins, strlen(kinds[i].begins)) == 0)
            return kinds[i].kind;
    return ERR_BUG;
}

/* Data exceptions quote the value that was wrong: what stands between the first and the last quote goes. */
static void copy_masked(char *target, size_t size, const char *message, const char *sqlstate)
{
    const char *first = strchr(message, '"');
    const char *last = strrchr(message, '"');
    if (strcmp(sqlstate, "22021") == 0) /* names the bytes without quotes */
        snprintf(target, size, "text that is not UTF-8");
    else if (strncmp(sqlstate, "22", 2) == 0 && first && last > first)
        snprintf(target, size, "%.*s\"...%s", (int)(first - message), message, last);
    else
        snprintf(target, size, "%s", message);
}

static const char *field_of(const PGresult *result, int code)
{
    const char *text = result ? PQresultErrorField(result, code) : NULL;
    return text ? text : "";
}

static bool fail_without_server(struct store_session *session, struct err *err)
{
    char text[160];
    snprintf(text, sizeof text, "%s", PQerrorMessage(session->connection));
    text[strcspn(text, "\n")] = '\0';
    bool is_lost = PQstatus(session->connection) != CONNECTION_OK;
    if (is_lost)
        store_session_disconnect(session);
    return err_set(err, is_lost ? ERR_TRANSIENT : ERR_BUG, "PostgreSQL: %s", text[0] ? text : "no result");
}

bool store_fail(struct store_session *session, const PGresult *result, struct err *err)
{
    const char *sqlstate = field_of(result, PG_DIAG_SQLSTATE);
    const char *constraint = field_of(result, PG_DIAG_CONSTRAINT_NAME);
    session->constraint[0] = '\0';
    if (!sqlstate[0]) {
        store_metrics_failed(PQstatus(session->connection) != CONNECTION_OK ? ERR_TRANSIENT : ERR_BUG);
        return fail_without_server(session, err);
    }
    char message[160];
    copy_masked(message, sizeof message, field_of(result, PG_DIAG_MESSAGE_PRIMARY), sqlstate);
    enum err_kind kind = store_kind_of(sqlstate);
    if (strcmp(sqlstate, "0A000") == 0 && strstr(message, "cached plan"))
        kind = ERR_TRANSIENT; /* the table was changed under a prepared statement */
    if (!text_copy(session->constraint, sizeof session->constraint, constraint, strlen(constraint)))
        session->constraint[0] = '\0';
    err_set(err, kind, "PostgreSQL %s: %s", sqlstate, message);
    store_metrics_failed(kind);
    if (PQstatus(session->connection) != CONNECTION_OK)
        store_session_disconnect(session);
    return false;
}
