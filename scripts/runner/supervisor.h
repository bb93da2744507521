/* Brings the stack up in order, keeps it up, brings it down in reverse order. One thread; signals are read as events,
 * so the caller blocks SIGCHLD, SIGTERM, SIGINT and SIGHUP before and ignores SIGPIPE. */
#pragma once
#include "journal.h"
#include "stack.h"

struct supervisor;

/* All is borrowed. ERR_CONFIG if a port that the stack wants is taken. */
MUST_CHECK bool supervisor_open(struct supervisor **out_supervisor, const struct stack *stack, const char *folder,
    struct journal *journal, struct err *err);
/* Returns when every process is ready (true), or when one cannot be or a signal came (false). */
MUST_CHECK bool supervisor_start(struct supervisor *supervisor, struct err *err);
/* Starts again what dies; returns on SIGTERM, SIGINT or SIGHUP. */
void supervisor_keep(struct supervisor *supervisor);
/* Returns when all have ended; a second signal meanwhile ends them at once. */
void supervisor_stop(struct supervisor *supervisor);
void supervisor_close(struct supervisor *supervisor);
AUTO_DEFINE(supervisor, supervisor_close)
