/* What went wrong and what the caller is to do about it. Lives on the caller's stack; nothing to free. */
#pragma once
#include "base/compiler.h"
#include <stdarg.h>

enum err_kind {
    ERR_NONE,
    ERR_CONFIG,          /* an operator must change a setting: exit               */
    ERR_INPUT,           /* this message is wrong and will stay wrong: reject it  */
    ERR_UNAUTHENTICATED, /* we do not know who asks: log in                       */
    ERR_DENIED,          /* we know who asks, and they may not                    */
    ERR_NOT_FOUND,       /* there is no such thing, or not for this caller        */
    ERR_CONFLICT,        /* it is there already, or has changed meanwhile         */
    ERR_PRECONDITION,    /* it is no longer what the caller said: look again      */
    ERR_TRANSIENT,       /* something we depend on is away: back off, retry       */
    ERR_DEADLINE,        /* the caller's time ran out: what was begun may be done */
    ERR_LIMIT,           /* a ceiling of ours was reached: slow down or shed      */
    ERR_BUG,             /* we broke our own rule: log, stop, be restarted        */
};

struct err {
    enum err_kind kind;
    char text[200];
};

/* Both return false, so that failing is one line. A text that does not fit ends in "...". */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* Puts context in front of the text that is there: "batch 7: " + "connection refused". */
bool err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
#ifdef __clang_analyzer__ /* it does not see err.c, and would follow calls that fail as if they had not */
#define err_set(...) ((void)err_set(__VA_ARGS__), false)
#define err_wrap(...) ((void)err_wrap(__VA_ARGS__), false)
#endif
/* "transient", "input", ...: stable names for logs and metrics. */
const char *err_kind_name(enum err_kind kind);
