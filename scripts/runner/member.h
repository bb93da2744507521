/* One process of the stack as it lives: waiting, starting, ready, dead and to be started again, stopping. Decides about
 * itself only; who may start or stop when is the supervisor's business. */
#pragma once
#include "journal.h"
#include "stack.h"
#include "view.h"
#include <sys/types.h>

enum member_state {
    MEMBER_WAITING,  /* for those before it        */
    MEMBER_STARTING, /* runs, not ready yet        */
    MEMBER_READY,
    MEMBER_DONE,    /* ended as it should         */
    MEMBER_BACKOFF, /* died; starts again shortly */
    MEMBER_STOPPING,
    MEMBER_STOPPED,
};

enum { MEMBER_LINE_BYTES = 64 * 1024 };

struct member {
    const struct stack_process *process;
    struct journal *journal;
    size_t place;
    enum member_state state;
    pid_t pid, probe; /* 0: none  */
    int output;       /* -1: none */
    bool was_ready;
    int restarts, failures; /* failures: in a row, before it was ever ready */
    int64_t since_us;       /* the state, wall clock                     */
    int64_t began_us;       /* the state, monotonic                      */
    int64_t next_us;        /* the next question, or the next start      */
    int64_t backoff_ms;
    size_t line_length; /* what came of the line that is not ended yet */
    char *line;         /* MEMBER_LINE_BYTES */
};

void member_init(struct member *member, const struct stack_process *process, size_t place, struct journal *journal);
void member_done(struct member *member);
/* While the stack is to be up. failure: filled when the first start cannot succeed; NULL once the whole stack was
 * ready. */
void member_move_up(struct member *member, bool may_start, struct err *failure);
/* While the stack goes down. */
void member_move_down(struct member *member, bool may_stop);
void member_kill(struct member *member);
void member_on_exit(struct member *member, int status, struct err *failure);
void member_on_answer(struct member *member, int status);
void member_read_output(struct member *member);
void member_describe(const struct member *member, struct view_row *row);
