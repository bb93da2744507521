/* One connection and its transaction. */
#include "store/store_internal.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>

void store_session_disconnect(struct store_session *session)
{
    PQfinish(session->connection);
    session->connection = NULL;
    store_statements_forget(session);
}

/* A server that went away has said so or has closed its end, which shows without asking it: first its last words are
 * read, then the end. */
static bool looks_alive(PGconn *connection)
{
    enum { MOST_READS = 8 };
    struct pollfd waiting = { .fd = PQsocket(connection), .events = POLLIN };
    if (PQstatus(connection) != CONNECTION_OK || waiting.fd < 0)
        return false;
    for (int i = 0; i < MOST_READS; i++) {
        if (poll(&waiting, 1, 0) <= 0)
            return true;
        if (PQconsumeInput(connection) != 1 || PQstatus(connection) != CONNECTION_OK)
            return false;
        (void)PQisBusy(connection); /* takes notices out of the input */
    }
    return false;
}

bool store_session_revive(struct store_session *session, struct err *err)
{
    if (session->connection && !looks_alive(session->connection))
        store_session_disconnect(session);
    if (!session->connection)
        session->connection = store_connect(session->store, err);
    return session->connection != NULL;
}

void store_session_settle(struct store_session *session)
{
    enum { MOST_RESULTS = 1000 };
    for (int i = 0; session->connection; i++) {
        PGresult *result = PQgetResult(session->connection);
        ExecStatusType status = PQresultStatus(result);
        PQclear(result);
        if (!result)
            return;
        /* Data that comes to us cannot be stopped from here: a new connection is cheaper than reading it all. */
        if (i == MOST_RESULTS || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH ||
            (status == PGRES_COPY_IN && PQputCopyEnd(session->connection, "abandoned") != 1))
            store_session_disconnect(session);
    }
}

/* All at once by the simple protocol, whose last result counts. */
static bool run_simple(struct store_session *session, const char *sql, const char *expected_tag, struct err *err)
{
    if (!session->connection)
        return err_set(err, ERR_TRANSIENT, "PostgreSQL: the connection was lost");
    PGresult *result = PQexec(session->connection, sql);
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (!ok && status != PGRES_COPY_IN && status != PGRES_COPY_OUT)
        store_fail(session, result, err);
    else if (!ok)
        err_set(err, ERR_BUG, "a script must not COPY");
    /* COMMIT of a transaction that has failed is answered with ROLLBACK, and no error. */
    else if (expected_tag && strcmp(PQcmdStatus(result), expected_tag) != 0)
        ok = err_set(err, ERR_BUG, "the transaction had failed already: nothing was committed");
    PQclear(result);
    if (session->connection)
        store_session_settle(session);
    return ok;
}

bool store_begin(struct store_session *session, int32_t tenant_id, struct err *err)
{
    char sql[320];
    const struct store *store = session->store;
    if (session->connection && PQtransactionStatus(session->connection) == PQTRANS_UNKNOWN)
        store_session_disconnect(session);
    if (session->connection && PQtransactionStatus(session->connection) != PQTRANS_IDLE)
        return err_set(err, ERR_BUG, "a transaction has begun already");
    if (!store_session_revive(session, err))
        return false;
    int length = snprintf(sql, sizeof sql, "BEGIN; SET LOCAL nwims.tenant_id = '%d'", (int)tenant_id);
    if (!store->config.prepare && length > 0)
        snprintf(sql + length, sizeof sql - (size_t)length,
            "; SET LOCAL statement_timeout = %lld; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; "
            "SET LOCAL extra_float_digits = 1%s%s",
            (long long)store->config.statement_ms, store->schema[0] ? "; SET LOCAL search_path = " : "", store->schema);
    session->constraint[0] = '\0';
    return run_simple(session, sql, NULL, err);
}

bool store_commit(struct store_session *session, struct err *err)
{
    if (session->connection && PQtransactionStatus(session->connection) == PQTRANS_IDLE)
        return err_set(err, ERR_BUG, "there is no transaction to commit");
    return run_simple(session, "COMMIT", "COMMIT", err);
}

void store_rollback(struct store_session *session)
{
    struct err ignored = { 0 };
    char constraint[STORE_CONSTRAINT_SIZE];
    if (!session->connection)
        return;
    if (PQtransactionStatus(session->connection) == PQTRANS_ACTIVE)
        store_session_settle(session);
    if (!session->connection || PQtransactionStatus(session->connection) == PQTRANS_IDLE)
        return;
    memcpy(constraint, session->constraint, sizeof constraint); /* still of interest to whoever failed */
    if (!run_simple(session, "ROLLBACK", NULL, &ignored) && session->connection)
        store_session_disconnect(session);
    memcpy(session->constraint, constraint, sizeof constraint);
}

bool store_script(struct store_session *session, const char *sql, struct err *err)
{
    session->constraint[0] = '\0';
    return run_simple(session, sql, NULL, err);
}

const char *store_broken_constraint(const struct store_session *session)
{
    return session->constraint;
}
