#include "base/clock.h"
#include "layers/layers.h"
#include <string.h>

/* The path below /api/v1; the few that live outside are whole. */
static const char *path_of(const struct exchange *exchange)
{
    static const char api[] = "/api/v1/";
    const char *path = http_request_path(exchange->request);
    return strncmp(path, api, strlen(api)) == 0 ? path + strlen(api) - 1 : path;
}

/* ---- reads ---- */

struct parameters {
    struct cache_parameter items[CACHE_MOST_PARAMETERS];
    size_t count;
    bool is_too_many;
};

static bool add_parameter(void *context, const char *name, const char *value)
{
    struct parameters *parameters = context;
    parameters->is_too_many = parameters->count == CACHE_MOST_PARAMETERS;
    if (parameters->is_too_many)
        return false;
    parameters->items[parameters->count++] = (struct cache_parameter){ name, value };
    return true;
}

static enum cache_outcome find(struct exchange *exchange, const struct parameters *parameters)
{
    const char *path = path_of(exchange);
    enum cache_class class = exchange->route->cache;
    int64_t arrived_us = http_request_started_us(exchange->request);
    const struct cache_question question = { .tenant_id = exchange->caller.tenant_id,
        .scope = exchange->caller.scope,
        .path = path,
        .parameters = parameters->items,
        .parameter_count = parameters->count };
    return cache_find(exchange->app->cache, exchange->lookup, class, &question, cache_kinds_read(path, class),
        arrived_us, arrived_us + exchange->app->config.call_ms * 1000);
}

/* A query that is malformed or has more than fits is the owner's to refuse or to answer. */
static bool answer_read(struct exchange *exchange)
{
    struct parameters parameters = { .count = 0 };
    if (!http_request_query_each(exchange->request, add_parameter, &parameters) || parameters.is_too_many ||
        exchange->caller.tenant_id < 1)
        return true;
    exchange->lookup = arena_alloc(exchange->arena, sizeof *exchange->lookup);
    if (!exchange->lookup)
        return true;
    switch (find(exchange, &parameters)) {
    case CACHE_HIT: {
        const struct cache_entry *entry = exchange->lookup->entry;
        exchange_answer_read(exchange, entry->etag, cache_entry_body(entry), entry->body_size);
        return false;
    }
    case CACHE_LATE:
        exchange_problem(exchange, 504, NULL, "The answer did not come in time; try again.");
        return false;
    case CACHE_LEAD:
        exchange->leads = true;
        return true;
    case CACHE_PASS:
        return true;
    }
    return true;
}

/* ---- writes ---- */

/* A POST that only reads needs a permission to read. */
static bool is_write(const struct route *route)
{
    size_t length = strlen(route->permission);
    static const char reads[] = ":read";
    return strcmp(route->method, "GET") != 0 &&
           (length < sizeof reads - 1 || strcmp(route->permission + length - (sizeof reads - 1), reads) != 0);
}

/* Whoever has heard that a write was done, or may have been, finds it done wherever he asks. */
static void make_worthless(void *context, int status)
{
    struct exchange *exchange = context;
    bool changed_nothing = status >= 300 && status < 500 && status != 408;
    if (!changed_nothing && exchange->caller.tenant_id > 0)
        cache_bump(exchange->app->cache, exchange->caller.tenant_id, cache_kinds_written(path_of(exchange)));
}

bool layer_cache(struct exchange *exchange)
{
    if (exchange->route->cache != CACHE_NONE)
        return answer_read(exchange);
    if (is_write(exchange->route))
        http_before_answer(exchange->request, make_worthless, exchange);
    return true;
}

void layer_cache_done(struct exchange *exchange)
{
    if (exchange->lookup)
        cache_lookup_done(exchange->app->cache, exchange->lookup);
}
