#include "http/http_internal.h"
#include <string.h>

static char *decoded(struct http_request *request, const char *text, size_t length)
{
    char *copy = arena_alloc(http_request_arena(request), length + 1);
    return copy && http_decode(text, length, true, copy) ? copy : NULL;
}

/* The pair at *query, which moves behind it. False if it is malformed or the arena is full. */
static bool next_pair(struct http_request *request, const char **query, const char **out_name, const char **out_value)
{
    const char *pair = *query;
    size_t length = strcspn(pair, "&");
    const char *sign = memchr(pair, '=', length);
    size_t name_length = sign ? (size_t)(sign - pair) : length;
    *query = pair + length + (pair[length] == '&');
    *out_name = decoded(request, pair, name_length);
    *out_value = sign ? decoded(request, sign + 1, length - name_length - 1) : "";
    return *out_name && *out_value;
}

bool http_request_query_each(
    struct http_request *request, bool (*visit)(void *context, const char *name, const char *value), void *context)
{
    const char *query = http_request_query(request), *name, *value;
    while (*query) {
        if (*query == '&') {
            query++;
            continue;
        }
        if (!next_pair(request, &query, &name, &value))
            return false;
        if (!visit(context, name, value))
            return true;
    }
    return true;
}

struct wanted {
    const char *name;
    const char *value;
};

static bool look(void *context, const char *name, const char *value)
{
    struct wanted *wanted = context;
    if (strcmp(name, wanted->name) != 0)
        return true;
    wanted->value = value;
    return false;
}

const char *http_request_query_value(struct http_request *request, const char *name)
{
    struct wanted wanted = { .name = name };
    return http_request_query_each(request, look, &wanted) ? wanted.value : NULL;
}
