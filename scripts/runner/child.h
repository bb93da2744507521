/* Starts one process of the stack: its own group, its own environment, its output in a pipe. */
#pragma once
#include "stack.h"
#include <sys/types.h>

/* out_output is the reading end of its standard output and error, non-blocking; the caller closes it. The child gets
 * its stop signal when we die, however we die. */
MUST_CHECK bool child_start(const struct stack_process *process, pid_t *out_pid, int *out_output, struct err *err);
/* In a child, after fork: no signal blocked, all as they come by default. */
void child_signals_reset(void);
