#include "write_headers.h"
#include "base/text.h"
#include <string.h>

/* The header if it is of printable ASCII and fits; an absent one is as good as "". */
static bool take(const struct exchange *exchange, const char *name, char *target, size_t size)
{
    const char *value = http_request_header(exchange->request, name);
    if (!value)
        return true;
    size_t length = strlen(value);
    for (size_t i = 0; i < length; i++)
        if (value[i] < ' ' || value[i] > '~')
            return false;
    return length > 0 && text_copy(target, size, value, length);
}

bool write_headers_take(struct exchange *exchange)
{
    struct rpc_caller *caller = &exchange->caller;
    const char *method = exchange->route->method;
    if (strcmp(method, "GET") == 0)
        return true;
    if (!take(exchange, "Idempotency-Key", caller->idempotency_key, sizeof caller->idempotency_key)) {
        exchange_problem(exchange, 400, "bad-idempotency-key",
            "Idempotency-Key takes 1 to 128 printable ASCII characters; a UUID of your own for each write is usual.");
        return false;
    }
    if (!take(exchange, "If-Match", caller->if_match, sizeof caller->if_match)) {
        exchange_problem(exchange, 400, "bad-if-match", "If-Match takes the ETag of an answer, up to 255 characters.");
        return false;
    }
    return true;
}
