/* Lets few password hashes be computed at once: each takes 19 MiB and a core for some 40 ms, and who asks is not yet
 * known. Any thread. */
#pragma once
#include "base/err.h"

struct password_gate;

/* most_running at once, most_waiting behind them: further ones are turned away at once, so that other calls still find
 * a worker. */
MUST_CHECK bool password_gate_open(
    struct password_gate **out_gate, int64_t most_running, int64_t most_waiting, struct err *err);
void password_gate_close(struct password_gate *gate);
AUTO_DEFINE(password_gate, password_gate_close)

/* ERR_LIMIT if there is no place, ERR_DEADLINE if the turn did not come until deadline_us (monotonic). Every enter is
 * paired with a leave. */
MUST_CHECK bool password_gate_enter(struct password_gate *gate, int64_t deadline_us, struct err *err);
void password_gate_leave(struct password_gate *gate);
