/* An HTTP client (libcurl hidden inside): one connection kept, used by one thread. For tests, the demo writer and
 * outgoing calls. */
#pragma once
#include "base/buffer.h"
#include "base/err.h"

struct http_client;
struct http_call {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const void *body;
    size_t size;
    int64_t timeout_ms;
};
MUST_CHECK bool http_client_open(struct http_client **out_client, struct err *err);
void http_client_close(struct http_client *client);
AUTO_DEFINE(http_client, http_client_close)
/* Any status is success here; ERR_TRANSIENT if there was no answer. Only http and https; redirects are not followed.
 * The body is appended to out_body up to its ceiling. */
MUST_CHECK bool http_client_call(struct http_client *client, const struct http_call *call, int *out_status,
    struct buffer *out_body, struct err *err);
/* A header of the last answer, NULL if absent; lives until the next call. */
const char *http_client_header(struct http_client *client, const char *name);
