/* What the reading and the checking of one request share: where the memory comes from, where what is wrong is noted. */
#pragma once
#include "transcode/transcode.h"

struct check {
    struct arena *arena;
    struct transcode_violations *violations;
    bool is_out_of_memory; /* sticks; looked at once, by check_result */
};

/* Which value: "items[3].code". Lives on the stack of whoever walks the message. */
struct place {
    const struct place *parent; /* NULL: the request itself */
    const char *field;
    size_t index;
    bool has_index;
};

/* Notes that a value is wrong. Only the first reason for each value is kept, and none beyond the array's end. */
void check_violation(struct check *check, const struct place *place, const char *format, ...) PRINTF_LIKE(3, 4);
/* True if nothing is wrong; else ERR_INPUT with the first violation as text, or ERR_LIMIT. */
MUST_CHECK bool check_result(const struct check *check, struct err *err);
