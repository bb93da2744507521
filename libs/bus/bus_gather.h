/* One question, the answers of everybody who listens: for status pages, where nobody knows how many there are. Asks at
 * once and waits; any thread. */
#pragma once
#include "bus/bus.h"

struct bus_gather_limits {
    int64_t timeout_ms; /* then what has come is all */
    int64_t quiet_ms;   /* so long without another answer after the first: all the same; 0: wait for timeout_ms */
    size_t most;        /* answers */
};
struct bus_answers {
    struct bus_message **messages; /* ours until bus_answers_done */
    size_t count;
    bool is_cut; /* there was one more than limits.most */
};

/* Nobody listens: no answers, and no error. ERR_TRANSIENT when the bus is away, ERR_LIMIT without memory. */
MUST_CHECK bool bus_gather(struct bus *bus, const struct bus_outgoing *question, const struct bus_gather_limits *limits,
    struct bus_answers *out_answers, struct err *err);
/* Closes the messages; {0} is fine. */
void bus_answers_done(struct bus_answers *answers);
