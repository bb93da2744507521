/* Work that a service does by the clock, in rounds, on a thread of its own: cleaning up, looking after, bringing up to
 * date. Between two rounds it waits as long as the last one said; stopping and waking cut that short. */
#pragma once
#include "base/compiler.h"
#include "base/err.h"

/* One round; how long until the next, in milliseconds (0: at once). */
typedef int64_t rounds_run(void *context);
struct rounds_config {
    const char *what; /* in messages: "the keeper of the stream" */
    rounds_run *run;
    void *context;
    int64_t first_ms;   /* until the first round */
    size_t stack_bytes; /* 0: the usual */
};
struct rounds;
/* ERR_LIMIT without memory or a thread. config may go afterwards, but not its texts and the context. */
MUST_CHECK bool rounds_start(struct rounds **out_rounds, const struct rounds_config *config, struct err *err);
/* The next round comes at once, or once more after the one that runs. By any thread; NULL is fine. */
void rounds_wake(struct rounds *rounds);
/* Waits for the end of the round that runs, which its own work has to see to. NULL is fine. */
void rounds_stop(struct rounds *rounds);
/* For long rounds: whether somebody waits for the end. */
bool rounds_is_stopping(const struct rounds *rounds);
