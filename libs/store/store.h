/* PostgreSQL: a pool of sessions, statements prepared by themselves, results. Hides libpq. A store may be used by any
 * thread, a session and its results by one thread at a time. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

struct store;
struct store_session;
struct store_result;

struct store_config {
    const char *url;      /* postgresql://user:password@host:port/database */
    const char *schema;   /* becomes the search_path */
    const char *name;     /* application_name */
    int64_t pool_size;    /* most sessions at once */
    int64_t wait_ms;      /* for a free session: then ERR_LIMIT */
    int64_t statement_ms; /* statement_timeout; 0: none */
    bool prepare;         /* false behind pgbouncer in transaction mode */
};

/* Connects one session to see that it works: ERR_TRANSIENT if the server is away, ERR_CONFIG if it refuses us. */
MUST_CHECK bool store_open(struct store **out_store, const struct store_config *config, struct err *err);
void store_close(struct store *store);
AUTO_DEFINE(store, store_close)
/* One round trip on a session of the pool, for readiness. */
MUST_CHECK bool store_ping(struct store *store, struct err *err);

/* Borrows a session; a broken one is replaced. */
MUST_CHECK bool store_session_open(struct store_session **out_session, struct store *store, struct err *err);
/* Rolls back what was not committed and gives the session back. */
void store_session_close(struct store_session *session);
AUTO_DEFINE(store_session, store_session_close)

/* Begins a transaction in which row-level security sees only this tenant (current_setting('nwims.tenant_id')); 0: none.
 * One round trip. */
MUST_CHECK bool store_begin(struct store_session *session, int32_t tenant_id, struct err *err);
MUST_CHECK bool store_commit(struct store_session *session, struct err *err);
/* Also after a failed statement; the session stays usable. */
void store_rollback(struct store_session *session);

/* ---- parameters: built by value, borrowed until the call returns
 * ------------------------------------------------------- */
struct store_param {
    enum store_param_type {
        STORE_NULL,
        STORE_TEXT, /* also for uuid, by its text */
        STORE_INT,
        STORE_DOUBLE,
        STORE_BOOL,
        STORE_BYTES,
        STORE_TIME, /* timestamptz, microseconds since 1970 */
        STORE_INT4_ARRAY,
        STORE_INT8_ARRAY,
        STORE_DOUBLE_ARRAY,
        STORE_TIME_ARRAY,
        STORE_TEXT_ARRAY,
    } type;
    const void *data; /* text, bytes, or the first item */
    size_t size;      /* bytes, or items                 */
    int64_t number;
    double real;
};
#define PARAM_NULL ((struct store_param){ .type = STORE_NULL })
#define PARAM_TEXT(text_) store_param_text(text_)
#define PARAM_INT(value_) ((struct store_param){ .type = STORE_INT, .number = (value_) })
#define PARAM_DOUBLE(value_) ((struct store_param){ .type = STORE_DOUBLE, .real = (value_) })
#define PARAM_BOOL(value_) ((struct store_param){ .type = STORE_BOOL, .number = (value_) })
#define PARAM_BYTES(data_, size_) ((struct store_param){ .type = STORE_BYTES, .data = (data_), .size = (size_) })
#define PARAM_TIME(us_) ((struct store_param){ .type = STORE_TIME, .number = (us_) })
#define PARAM_INT4S(items_, count_)                                                                                    \
    ((struct store_param){ .type = STORE_INT4_ARRAY, .data = (items_), .size = (count_) })
#define PARAM_INT8S(items_, count_)                                                                                    \
    ((struct store_param){ .type = STORE_INT8_ARRAY, .data = (items_), .size = (count_) })
#define PARAM_DOUBLES(items_, count_)                                                                                  \
    ((struct store_param){ .type = STORE_DOUBLE_ARRAY, .data = (items_), .size = (count_) })
#define PARAM_TIMES(items_, count_)                                                                                    \
    ((struct store_param){ .type = STORE_TIME_ARRAY, .data = (items_), .size = (count_) })
/* items: const char *const *; a NULL item is SQL NULL. */
#define PARAM_TEXTS(items_, count_)                                                                                    \
    ((struct store_param){ .type = STORE_TEXT_ARRAY, .data = (items_), .size = (count_) })
/* NULL text becomes SQL NULL. */
struct store_param store_param_text(const char *text);

/* ---- statements
 * ------------------------------------------------------------------------------------------------------ */
/* sql is a constant text with $1, $2 ...; it is prepared once per connection. Parameter types are left to the server
 * unless the param says them: write $1::int8 and so on where PostgreSQL cannot infer. ERR_CONFLICT for a unique,
 * foreign key or exclusion violation, ERR_INPUT for a value that cannot be (check, range, cast), ERR_TRANSIENT for a
 * lost connection, serialization failure, deadlock or time-out, ERR_BUG else. */
MUST_CHECK bool store_query(struct store_session *session, struct store_result **out_result, const char *sql,
    const struct store_param *params, size_t param_count, struct err *err);
/* For statements whose rows nobody wants; out_affected may be NULL. */
MUST_CHECK bool store_run(struct store_session *session, const char *sql, const struct store_param *params,
    size_t param_count, int64_t *out_affected, struct err *err);
#define PARAMS(...)                                                                                                    \
    ((const struct store_param[]){ __VA_ARGS__ }), COUNT_OF(((const struct store_param[]){ __VA_ARGS__ }))
#define NO_PARAMS NULL, 0
/* Several statements in one round trip, unprepared, no parameters (DDL). */
MUST_CHECK bool store_script(struct store_session *session, const char *sql, struct err *err);
/* The constraint that the last statement broke, "" if none: tells which field was not unique. */
const char *store_broken_constraint(const struct store_session *session);

size_t store_result_rows(const struct store_result *result);
int64_t store_result_affected(const struct store_result *result);
bool store_result_is_null(const struct store_result *result, size_t row, size_t column);
/* NULL for SQL NULL; lives as long as the result. */
const char *store_result_text(const struct store_result *result, size_t row, size_t column);
/* A copy in the arena; NULL for SQL NULL or when the arena is full. */
char *store_result_copy(const struct store_result *result, size_t row, size_t column, struct arena *arena);
/* 0 for SQL NULL. */
int64_t store_result_int(const struct store_result *result, size_t row, size_t column);
double store_result_double(const struct store_result *result, size_t row, size_t column);
bool store_result_bool(const struct store_result *result, size_t row, size_t column);
/* timestamptz as microseconds since 1970; 0 for SQL NULL. */
int64_t store_result_time(const struct store_result *result, size_t row, size_t column);
/* bytea, decoded into the arena. */
MUST_CHECK bool store_result_bytes(const struct store_result *result, size_t row, size_t column, struct arena *arena,
    unsigned char **out_bytes, size_t *out_size);
void store_result_close(struct store_result *result);
AUTO_DEFINE(store_result, store_result_close)
