/* One JSON line per event on stderr: a stable dotted name and typed fields. A human form if stderr is a terminal. The
 * sink is the one global of a process; any thread may log. No payloads, no secrets. */
#pragma once
#include "base/compiler.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* What all lines of a message, request or connection share; borrowed texts, each may be NULL. Pass NULL for none. */
struct log_scope {
    const char *trace_id;
    const char *span_id;
    const char *request_id;
    int32_t tenant_id; /* 0: none */
};

struct log_field {
    enum { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_DOUBLE, LOG_FIELD_BOOL } type;
    const char *name;
    const char *text;
    int64_t number;
    double real;
};

#define LOG_TEXT(name_, value_) ((struct log_field){ .type = LOG_FIELD_TEXT, .name = (name_), .text = (value_) })
#define LOG_COUNT(name_, value_)                                                                                       \
    ((struct log_field){ .type = LOG_FIELD_INT, .name = (name_), .number = (int64_t)(value_) })
#define LOG_MS(name_, value_) LOG_COUNT(name_, value_)
#define LOG_REAL(name_, value_) ((struct log_field){ .type = LOG_FIELD_DOUBLE, .name = (name_), .real = (value_) })
#define LOG_BOOL(name_, value_) ((struct log_field){ .type = LOG_FIELD_BOOL, .name = (name_), .number = (value_) })
/* The text of a struct err. */
#define LOG_ERR(err_) LOG_TEXT("err", (err_)->text)

/* Once, before any thread: the name on every line and the least level that is written. */
void log_start(const char *service, const char *version, enum log_level least);
void log_set_level(enum log_level least);
/* "debug", "info", "warn" or "error". */
MUST_CHECK bool log_level_parse(const char *text, enum log_level *out_level);

void log_event(enum log_level level, const struct log_scope *scope, const char *event, const struct log_field *fields);
#define LOG_FIELDS_(...) ((const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ .type = LOG_FIELD_END } })
#define log_debug(scope, event, ...) log_event(LOG_DEBUG, scope, event, LOG_FIELDS_(__VA_ARGS__))
#define log_info(scope, event, ...) log_event(LOG_INFO, scope, event, LOG_FIELDS_(__VA_ARGS__))
#define log_warn(scope, event, ...) log_event(LOG_WARN, scope, event, LOG_FIELDS_(__VA_ARGS__))
#define log_error(scope, event, ...) log_event(LOG_ERROR, scope, event, LOG_FIELDS_(__VA_ARGS__))
