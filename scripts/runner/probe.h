/* Asks whether a process is ready. Each question is a short-lived child of its own, so that a slow answer holds nothing
 * up. */
#pragma once
#include "stack.h"
#include <sys/types.h>

/* Starts the question; the child ends with 0 for ready, within 3 s. */
MUST_CHECK bool probe_start(const struct stack_probe *probe, pid_t *out_pid, struct err *err);
/* Whether somebody listens there already: true also means that the port is taken. */
bool probe_port_answers(const struct stack_probe *probe);
