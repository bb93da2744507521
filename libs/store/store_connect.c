/* Connecting: our settings on top of the URL's, and a verdict on failure: is the server away, or does it refuse us? */
#include "base/clock.h"
#include "base/number.h"
#include "store/store_internal.h"
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KEYWORDS = 64, OPTIONS_SIZE = 512, CONNECT_WAIT_MS = 5000 };

struct conninfo {
    const char *keywords[MOST_KEYWORDS + 1];
    const char *values[MOST_KEYWORDS + 1];
    size_t count;
    char options[OPTIONS_SIZE];
};

bool store_is_plain_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= STORE_SCHEMA_SIZE || isdigit((unsigned char)name[0]))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static void free_options(PQconninfoOption **options)
{
    PQconninfoFree(*options);
}
#define AUTO_OPTIONS __attribute__((cleanup(free_options))) PQconninfoOption *

static const char *option_of(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (strcmp(option->keyword, keyword) == 0)
            return option->val;
    return NULL;
}

bool store_config_check(const struct store_config *config, struct err *err)
{
    /* libpq's texts about a bad URL quote parts of it, which may be parts of the password: ours do not. */
    AUTO_OPTIONS options = config->url ? PQconninfoParse(config->url, NULL) : NULL;
    if (!options)
        return err_set(err, ERR_CONFIG, "the PostgreSQL URL cannot be read");
    const char *port = option_of(options, "port");
    if (port && strspn(port, "0123456789,") != strlen(port))
        return err_set(err, ERR_CONFIG, "the port in the PostgreSQL URL is not a number");
    if (config->schema && config->schema[0] && !store_is_plain_name(config->schema))
        return err_set(err, ERR_CONFIG, "the schema name must be lower-case letters, digits and _");
    if (config->pool_size < 1 || config->statement_ms < 0 || config->wait_ms < 0)
        return err_set(err, ERR_CONFIG, "the sizes and times of the PostgreSQL pool must be positive");
    return true;
}

static void put_keyword(struct conninfo *info, const char *keyword, const char *value)
{
    if (info->count == MOST_KEYWORDS)
        return;
    info->keywords[info->count] = keyword;
    info->values[info->count++] = value;
}

static void put_preset(struct conninfo *info, const PQconninfoOption *options, const char *keyword, const char *value)
{
    if (!option_of(options, keyword))
        put_keyword(info, keyword, value);
}

/* A pooler in transaction mode refuses start-up options: there store_begin sets them for each transaction. */
static bool put_options(struct conninfo *info, const struct store *store, const char *theirs, struct err *err)
{
    if (!store->config.prepare) {
        if (theirs)
            put_keyword(info, "options", theirs);
        return true;
    }
    int length = snprintf(info->options, sizeof info->options,
        "%s -c statement_timeout=%lld -c timezone=UTC -c datestyle=ISO -c extra_float_digits=1%s%s",
        theirs ? theirs : "", (long long)store->config.statement_ms, store->schema[0] ? " -c search_path=" : "",
        store->schema);
    if (length < 0 || (size_t)length >= sizeof info->options)
        return err_set(err, ERR_CONFIG, "the options in the PostgreSQL URL are too long");
    put_keyword(info, "options", info->options);
    return true;
}

static bool conninfo_make(
    struct conninfo *info, const struct store *store, const PQconninfoOption *options, struct err *err)
{
    static const char *const ours[] = { "options", "application_name", "client_encoding" };
    for (const PQconninfoOption *option = options; option->keyword; option++) {
        bool is_ours = false;
        for (size_t i = 0; i < COUNT_OF(ours); i++)
            is_ours = is_ours || strcmp(option->keyword, ours[i]) == 0;
        if (option->val && !is_ours)
            put_keyword(info, option->keyword, option->val);
    }
    put_keyword(info, "application_name", store->name);
    put_keyword(info, "client_encoding", "UTF8");
    /* A server that vanished without a word is noticed within a minute. */
    put_preset(info, options, "keepalives", "1");
    put_preset(info, options, "keepalives_idle", "30");
    put_preset(info, options, "keepalives_interval", "10");
    put_preset(info, options, "keepalives_count", "3");
    put_preset(info, options, "tcp_user_timeout", "30000");
    return put_options(info, store, option_of(options, "options"), err);
}

static int64_t wait_of(const PQconninfoOption *options)
{
    const char *text = option_of(options, "connect_timeout");
    int64_t seconds;
    bool is_set = text && number_parse_int(text, strlen(text), &seconds) && seconds > 0 && seconds <= 3600;
    return is_set ? seconds * 1000 : CONNECT_WAIT_MS;
}

/* libpq keeps the SQLSTATE of a refused connection to itself, but a verbose message shows it: "FATAL:  28P01: ...". */
static bool find_sqlstate(const char *message, char sqlstate[6])
{
    bool is_found = false;
    for (const char *at = strstr(message, ":  "); at; at = strstr(at + 3, ":  "))
        if (strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && at[8] == ':') {
            memcpy(sqlstate, at + 3, 5);
            sqlstate[5] = '\0';
            is_found = true;
        }
    return is_found;
}

static bool refuse(const PGconn *connection, struct err *err)
{
    char text[160], sqlstate[6] = "";
    const char *message = PQerrorMessage(connection);
    snprintf(text, sizeof text, "%s", message);
    text[strcspn(text, "\n")] = '\0';
    enum err_kind kind = ERR_TRANSIENT;
    if (find_sqlstate(message, sqlstate))
        kind = store_kind_of(sqlstate) == ERR_TRANSIENT ? ERR_TRANSIENT : ERR_CONFIG;
    else if (PQconnectionNeedsPassword(connection))
        kind = ERR_CONFIG;
    return err_set(err, kind, "%s", text);
}

static bool await_connection(PGconn *connection, int64_t wait_ms, struct err *err)
{
    int64_t end_us = clock_monotonic_us() + wait_ms * 1000;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        int64_t left_ms = (end_us - clock_monotonic_us()) / 1000;
        if (status == PGRES_POLLING_FAILED || PQstatus(connection) == CONNECTION_BAD)
            return refuse(connection, err);
        if (left_ms <= 0)
            return err_set(err, ERR_TRANSIENT, "PostgreSQL does not answer within %lld ms", (long long)wait_ms);
        struct pollfd waiting = { .fd = PQsocket(connection),
            .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT };
        if (poll(&waiting, 1, (int)left_ms) > 0)
            status = PQconnectPoll(connection);
    }
    return true;
}

static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

PGconn *store_connect(const struct store *store, struct err *err)
{
    struct conninfo info = { .count = 0 };
    AUTO_OPTIONS options = PQconninfoParse(store->url, NULL);
    if (!options) {
        err_set(err, ERR_CONFIG, "the PostgreSQL URL cannot be read");
        return NULL;
    }
    if (!conninfo_make(&info, store, options, err))
        return NULL;
    PGconn *connection = PQconnectStartParams(info.keywords, info.values, 0);
    if (!connection) {
        err_set(err, ERR_TRANSIENT, "no memory for a PostgreSQL connection");
        return NULL;
    }
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    PQsetNoticeProcessor(connection, ignore_notice, NULL);
    bool ok = await_connection(connection, wait_of(options), err);
    store_metrics_connected(ok);
    if (!ok) {
        PQfinish(connection);
        return NULL;
    }
    PQsetErrorVerbosity(connection, PQERRORS_TERSE);
    return connection;
}
