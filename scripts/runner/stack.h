/* What is to run: the table of processes that deploy/local/stack.conf spells out. Read once, then only looked at. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum { STACK_MOST_PROCESSES = 64, STACK_MOST_AFTER = 16, STACK_MOST_WORDS = 64, STACK_MOST_SETTINGS = 64 };

struct stack_probe {
    enum {
        PROBE_RUNNING, /* ready as soon as it runs                 */
        PROBE_EXIT,    /* a step: ready when it has ended with 0   */
        PROBE_TCP,     /* ready when host:port takes a connection  */
        PROBE_HTTP,    /* ready when GET path answers 200          */
        PROBE_COMMAND, /* ready when the command ends with 0       */
    } type;
    const char *host; /* an IPv4 address */
    int port;
    const char *path;
    const char *const *command; /* NULL-terminated */
};

struct stack_process {
    const char *name;
    const char *const *command;                    /* NULL-terminated */
    const char *settings[STACK_MOST_SETTINGS + 1]; /* "NAME=value", NULL-terminated: its whole environment */
    size_t setting_count;
    size_t after[STACK_MOST_AFTER]; /* places in the table of those that must be ready before */
    size_t after_count;
    struct stack_probe probe;
    int64_t ready_within_ms;
    int stop_signal;
    int64_t stop_within_ms; /* then SIGKILL */
    bool restarts;
    int64_t backoff_first_ms, backoff_most_ms;
};

struct stack {
    struct arena arena; /* holds every text of the table */
    struct stack_process processes[STACK_MOST_PROCESSES];
    size_t count;
};

/* NULL when memory is out. */
MUST_CHECK struct stack *stack_new(void);
void stack_free(struct stack *stack);
AUTO_DEFINE(stack, stack_free)
/* Adds what the text says; name is for messages, folder is where its environment files are. ${NAME} stands for our own
 * environment's NAME. ERR_CONFIG with the line's number for the first mistake. A process can only come after others
 * that stand above it. */
MUST_CHECK bool stack_add_text(
    struct stack *stack, const char *text, const char *name, const char *folder, struct err *err);
MUST_CHECK bool stack_add_file(struct stack *stack, const char *path, struct err *err);
