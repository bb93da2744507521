/* Error answers as RFC 9457 problem details: a stable type, a title for people, what to do in the detail, each wrong
 * field by name. */
#pragma once
#include "http/http_server.h"

struct problem_field {
    const char *field;
    const char *code;   /* stable word for programs, or NULL */
    const char *reason; /* for people */
    int64_t index;      /* of the item in a batch; -1: none */
};
struct problem {
    int status;
    const char *type;       /* "unknown-sensor": the last part of the type's URI; NULL: the status' own */
    const char *detail;     /* what happened and what to do; NULL: none */
    const char *request_id; /* or NULL */
    const char *instance;   /* NULL: the request's path, which must hold no secret then; "": none */
    const struct problem_field *fields;
    size_t field_count;
    int64_t retry_after_s; /* 0: no Retry-After */
};

/* Writes the answer. */
void problem_respond(struct http_request *request, const struct problem *problem);
/* The short form. */
void http_problem(struct http_request *request, int status, const char *type, const char *detail);
/* The HTTP status for what went wrong. */
int problem_status_of(enum err_kind kind);
/* "Not Found": the reason phrase, also used as title. */
const char *http_status_text(int status);
