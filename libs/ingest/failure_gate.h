/* How often an address has sent a wrong token lately: beyond a number it is told to come later before anything is
 * looked up. Any thread. Bounded: two addresses that meet in one place push each other's count out. */
#pragma once
#include "base/compiler.h"

struct failure_gate;
MUST_CHECK struct failure_gate *failure_gate_new(int64_t most_a_minute);
void failure_gate_free(struct failure_gate *gate);
AUTO_DEFINE(failure_gate, failure_gate_free)
MUST_CHECK bool failure_gate_is_open(struct failure_gate *gate, const char *address, int64_t now_us);
void failure_gate_count(struct failure_gate *gate, const char *address, int64_t now_us);
