/* Statements: each SQL text is prepared once per connection, under a number, with the parameter types seen so far. */
#include "base/text.h"
#include "store/store_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 16, SCRATCH_KEPT = 1024 * 1024 };

static void name_of(char name[NAME_SIZE], const struct statement *statement)
{
    snprintf(name, NAME_SIZE, "s%u", statement->number);
}

void store_statements_forget(struct store_session *session)
{
    for (size_t i = 0; i < session->statement_count; i++)
        free(session->statements[i].sql);
    session->statement_count = 0;
}

/* Closes a space in the list; the order does not matter. */
static void remove_statement(struct store_session *session, struct statement *statement)
{
    free(statement->sql);
    *statement = session->statements[--session->statement_count];
}

static void deallocate(struct store_session *session, unsigned number)
{
    char sql[40];
    snprintf(sql, sizeof sql, "DEALLOCATE s%u", number);
    PQclear(PQexec(session->connection, sql)); /* at worst the server keeps one more until we disconnect */
}

static struct statement *find_statement(struct store_session *session, const char *sql, uint64_t hash)
{
    for (size_t i = 0; i < session->statement_count; i++)
        if (session->statements[i].hash == hash && strcmp(session->statements[i].sql, sql) == 0)
            return &session->statements[i];
    return NULL;
}

/* Text (0) is read as whatever the statement was prepared with; bytes of a type need exactly that type. */
static bool types_fit(const struct statement *statement, const struct encoded_params *encoded)
{
    for (size_t i = 0; i < statement->param_count; i++)
        if (encoded->types[i] != 0 && encoded->types[i] != statement->types[i])
            return false;
    return true;
}

static struct statement *least_used(struct store_session *session)
{
    struct statement *least = &session->statements[0];
    for (size_t i = 1; i < session->statement_count; i++)
        if (session->statements[i].used < least->used)
            least = &session->statements[i];
    return least;
}

static void make_room(struct store_session *session, struct statement *replaced)
{
    struct statement *leaving = replaced;
    if (!leaving && session->statement_count == STORE_MOST_STATEMENTS)
        leaving = least_used(session);
    if (!leaving)
        return;
    unsigned number = leaving->number;
    remove_statement(session, leaving);
    deallocate(session, number);
}

/* replaced: the same text with types that do not fit; what it knew of types is kept. */
static struct statement *prepare(struct store_session *session, struct statement *replaced, const char *sql,
    uint64_t hash, const struct encoded_params *encoded, size_t param_count, struct err *err)
{
    char name[NAME_SIZE];
    struct statement made = { .hash = hash, .number = ++session->next_number, .param_count = param_count };
    for (size_t i = 0; i < param_count; i++)
        made.types[i] = encoded->types[i] == 0 && replaced ? replaced->types[i] : encoded->types[i];
    name_of(name, &made);
    PGresult *result = PQprepare(session->connection, name, sql, (int)param_count, made.types);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok)
        store_fail(session, result, err);
    PQclear(result);
    if (!ok)
        return NULL;
    make_room(session, replaced);
    made.sql = strdup(sql);
    if (!made.sql) {
        err_set(err, ERR_LIMIT, "no memory for a prepared statement");
        return NULL;
    }
    struct statement *place = &session->statements[session->statement_count++];
    *place = made;
    return place;
}

static PGresult *execute_prepared(struct store_session *session, const char *sql, const struct encoded_params *encoded,
    size_t param_count, struct err *err)
{
    char name[NAME_SIZE];
    uint64_t hash = text_hash(sql, strlen(sql));
    struct statement *statement = find_statement(session, sql, hash);
    if (statement && statement->param_count != param_count) {
        err_set(err, ERR_BUG, "a statement was run with %zu parameters and then with %zu", statement->param_count,
            param_count);
        return NULL;
    }
    if (!statement || !types_fit(statement, encoded))
        statement = prepare(session, statement, sql, hash, encoded, param_count, err);
    if (!statement)
        return NULL;
    statement->used = ++session->use_count;
    name_of(name, statement);
    return PQexecPrepared(
        session->connection, name, (int)param_count, encoded->values, encoded->lengths, encoded->formats, 0);
}

/* The server no longer has it, or its plan no longer fits the table: the next use prepares it again. */
static void forget_if_stale(struct store_session *session, const char *sql, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool is_stale = sqlstate && (strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0);
    struct statement *statement = is_stale ? find_statement(session, sql, text_hash(sql, strlen(sql))) : NULL;
    if (statement)
        remove_statement(session, statement);
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static PGresult *execute_encoded(struct store_session *session, const char *sql, const struct encoded_params *encoded,
    size_t param_count, struct err *err)
{
    struct err before = *err;
    err->kind = ERR_NONE;
    PGresult *result = session->store->config.prepare
                           ? execute_prepared(session, sql, encoded, param_count, err)
                           : PQexecParams(session->connection, sql, (int)param_count, encoded->types, encoded->values,
                                 encoded->lengths, encoded->formats, 0);
    if (is_good(result)) {
        *err = before;
        return result;
    }
    if (result)
        forget_if_stale(session, sql, result);
    if (PQresultStatus(result) == PGRES_COPY_IN || PQresultStatus(result) == PGRES_COPY_OUT)
        err_set(err, ERR_BUG, "COPY is not a query");
    else if (err->kind == ERR_NONE)
        store_fail(session, result, err);
    PQclear(result);
    store_session_settle(session);
    return NULL;
}

PGresult *store_execute(struct store_session *session, const char *sql, const struct store_param *params,
    size_t param_count, struct err *err)
{
    struct encoded_params encoded;
    session->constraint[0] = '\0';
    if (!session->connection) {
        err_set(err, ERR_TRANSIENT, "PostgreSQL: the connection was lost");
        return NULL;
    }
    if (!store_params_encode(&encoded, &session->scratch, params, param_count, err))
        return NULL;
    PGresult *result = execute_encoded(session, sql, &encoded, param_count, err);
    if (session->scratch.capacity > SCRATCH_KEPT)
        buffer_done(&session->scratch);
    return result;
}

bool store_query(struct store_session *session, struct store_result **out_result, const char *sql,
    const struct store_param *params, size_t param_count, struct err *err)
{
    PGresult *rows = store_execute(session, sql, params, param_count, err);
    if (!rows)
        return false;
    struct store_result *result = malloc(sizeof *result);
    if (!result) {
        PQclear(rows);
        return err_set(err, ERR_LIMIT, "no memory for a result");
    }
    result->rows = rows;
    *out_result = result;
    return true;
}

bool store_run(struct store_session *session, const char *sql, const struct store_param *params, size_t param_count,
    int64_t *out_affected, struct err *err)
{
    PGresult *rows = store_execute(session, sql, params, param_count, err);
    if (!rows)
        return false;
    struct store_result result = { .rows = rows };
    if (out_affected)
        *out_affected = store_result_affected(&result);
    PQclear(rows);
    return true;
}
