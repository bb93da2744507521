/* What the files of this library share; libpq is seen through here only. */
#pragma once
#include "base/buffer.h"
#include "store/store.h"
#include <libpq-fe.h>
#include <pthread.h>

enum {
    STORE_MOST_PARAMS = 64,
    STORE_MOST_STATEMENTS = 128, /* prepared per connection; the least recently used one goes */
    STORE_CONSTRAINT_SIZE = 64,  /* NAMEDATALEN */
    STORE_SCHEMA_SIZE = 64,
};

/* ---- store_statement.c: statements prepared per connection ---- */
struct statement {
    char *sql;
    uint64_t hash;
    uint64_t used; /* when last, by a count of uses */
    unsigned number;
    size_t param_count;
    Oid types[STORE_MOST_PARAMS];
};

struct store_session {
    struct store *store;
    struct store_session *next; /* in the list of those free */
    PGconn *connection;         /* NULL after a loss */
    struct buffer scratch;      /* encoded parameters of the statement that runs */
    char constraint[STORE_CONSTRAINT_SIZE];
    struct statement *statements;
    size_t statement_count;
    uint64_t use_count;
    unsigned next_number;
};

struct store {
    struct store_config config; /* its texts are owned below */
    char *url;
    char *name;
    char schema[STORE_SCHEMA_SIZE];
    pthread_mutex_t lock;
    pthread_cond_t returned;
    struct store_session *free;
    int64_t session_count;
    int64_t busy_count;
};

void store_statements_forget(struct store_session *session); /* the connection is gone, and they with it */
MUST_CHECK PGresult *store_execute(struct store_session *session, const char *sql, const struct store_param *params,
    size_t param_count, struct err *err);

/* ---- store_connect.c ---- */
/* A connection with our settings. ERR_TRANSIENT or ERR_CONFIG. */
MUST_CHECK PGconn *store_connect(const struct store *store, struct err *err);
/* What is wrong with the settings before anything is tried. */
MUST_CHECK bool store_config_check(const struct store_config *config, struct err *err);
/* [a-z_][a-z0-9_]*, so that it needs no quoting. */
MUST_CHECK bool store_is_plain_name(const char *name);

/* ---- store_session.c ---- */
/* Makes sure that there is a connection that looks alive, without a round trip. */
MUST_CHECK bool store_session_revive(struct store_session *session, struct err *err);
void store_session_disconnect(struct store_session *session);
/* Takes what the server still has to say, and ends a COPY that was left open. */
void store_session_settle(struct store_session *session);

/* ---- store_error.c ---- */
enum err_kind store_kind_of(const char *sqlstate);
/* Translates a failed result (NULL: none came), keeps the constraint in the session, forgets the connection when it is
 * lost. False. */
bool store_fail(struct store_session *session, const PGresult *result, struct err *err);

/* ---- store_param.c ---- */
struct encoded_params {
    const char *values[STORE_MOST_PARAMS];
    int lengths[STORE_MOST_PARAMS];
    int formats[STORE_MOST_PARAMS];
    Oid types[STORE_MOST_PARAMS];
};
/* The values live in scratch or in the params. */
MUST_CHECK bool store_params_encode(struct encoded_params *encoded, struct buffer *scratch,
    const struct store_param *params, size_t count, struct err *err);
/* PostgreSQL counts time from 2000-01-01. */
#define STORE_EPOCH_US INT64_C(946684800000000)
static inline int64_t store_time_of(int64_t us)
{
    /* Too early to be counted: not INT64_MIN, which means -infinity, but one that the server refuses as out of range.
     */
    return us < INT64_MIN + 1 + STORE_EPOCH_US ? INT64_MIN + 1 : us - STORE_EPOCH_US;
}

/* ---- store_result.c ---- */
struct store_result {
    PGresult *rows;
};

/* ---- store_metrics.c ---- */
void store_metrics_start(void);
void store_metrics_busy(int64_t busy_count);
void store_metrics_waited(int64_t wait_us);
void store_metrics_exhausted(void);
void store_metrics_connected(bool ok);
void store_metrics_failed(enum err_kind kind);
