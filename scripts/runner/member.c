#include "member.h"
#include "base/clock.h"
#include "child.h"
#include "probe.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ASK_EVERY_MS = 100,
    STEADY_AFTER_MS = 30 * 1000, /* then the next death is treated as the first */
    MOST_FAILURES = 5,           /* before it was ever ready                    */
    EXIT_CONFIG = 78,            /* sysexits.h: trying again would not help     */
    US_PER_MS = 1000,
};

static int64_t ms_in_state(const struct member *member)
{
    return (clock_monotonic_us() - member->began_us) / US_PER_MS;
}

static void enter(struct member *member, enum member_state state)
{
    member->state = state;
    member->since_us = clock_now_us();
    member->began_us = clock_monotonic_us();
}

void member_init(struct member *member, const struct stack_process *process, size_t place, struct journal *journal)
{
    *member = (struct member){
        .process = process, .journal = journal, .place = place, .output = -1, .backoff_ms = process->backoff_first_ms
    };
    member->line = malloc(MEMBER_LINE_BYTES);
    enter(member, MEMBER_WAITING);
}

void member_done(struct member *member)
{
    member_kill(member);
    if (member->output >= 0)
        close(member->output);
    free(member->line);
}

/* ---- output
 * ------------------------------------------------------------------------------------------------------------ */
static void put_lines(struct member *member)
{
    char *at = member->line, *end = member->line + member->line_length, *newline;
    while ((newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (newline > at)
            journal_put(member->journal, member->place, at, (size_t)(newline - at));
        at = newline + 1;
    }
    member->line_length = (size_t)(end - at);
    memmove(member->line, at, member->line_length);
    if (member->line_length == MEMBER_LINE_BYTES) { /* too long for one line: in pieces */
        journal_put(member->journal, member->place, member->line, member->line_length);
        member->line_length = 0;
    }
}

void member_read_output(struct member *member)
{
    ssize_t got = -1;
    for (int i = 0; i < 16 && member->output >= 0; i++) { /* then the others have a turn */
        got = member->line
                  ? read(member->output, member->line + member->line_length, MEMBER_LINE_BYTES - member->line_length)
                  : 0;
        if (got <= 0)
            break;
        member->line_length += (size_t)got;
        put_lines(member);
    }
    if (got == 0 && member->output >= 0) {
        close(member->output);
        member->output = -1;
    }
}

static void end_output(struct member *member)
{
    member_read_output(member);
    if (member->line_length > 0)
        journal_put(member->journal, member->place, member->line, member->line_length);
    member->line_length = 0;
    if (member->output >= 0)
        close(member->output);
    member->output = -1;
}

/* ---- up
 * ---------------------------------------------------------------------------------------------------------------- */
static void back_off(struct member *member)
{
    member->next_us = clock_monotonic_us() + member->backoff_ms * US_PER_MS;
    member->backoff_ms = member->backoff_ms * 2 < member->process->backoff_most_ms ? member->backoff_ms * 2
                                                                                   : member->process->backoff_most_ms;
    enter(member, MEMBER_BACKOFF);
}

static void start(struct member *member)
{
    struct err err = { 0 };
    if (!child_start(member->process, &member->pid, &member->output, &err)) {
        journal_say(member->journal, "%s cannot be started: %s", member->process->name, err.text);
        back_off(member);
        return;
    }
    member->next_us = 0;
    enter(member, MEMBER_STARTING);
}

static void become_ready(struct member *member, enum member_state state)
{
    int64_t took = ms_in_state(member);
    enter(member, state);
    if (member->was_ready)
        journal_say(member->journal, "%s is back after %lld ms", member->process->name, (long long)took);
    else
        journal_say(member->journal, "  %-16s %s (%lld ms)", member->process->name,
            state == MEMBER_DONE ? "done" : "ready", (long long)took);
    member->was_ready = true;
    member->failures = 0;
}

static void ask(struct member *member)
{
    struct err err = { 0 };
    const struct stack_probe *probe = &member->process->probe;
    if (probe->type == PROBE_RUNNING)
        become_ready(member, MEMBER_READY);
    else if (probe->type != PROBE_EXIT && !member->probe && clock_monotonic_us() >= member->next_us) {
        member->next_us = clock_monotonic_us() + (int64_t)ASK_EVERY_MS * US_PER_MS;
        if (!probe_start(probe, &member->probe, &err))
            journal_say(member->journal, "%s cannot be asked: %s", member->process->name, err.text);
    }
}

/* It runs but does not become ready: the first time that is a failure of the start, later a reason to start it anew. */
static void give_up_waiting(struct member *member, struct err *failure)
{
    if (failure && failure->kind == ERR_NONE)
        err_set(failure, ERR_TRANSIENT, "%s was not ready within %lld s", member->process->name,
            (long long)(member->process->ready_within_ms / 1000));
    member_kill(member);
}

void member_on_answer(struct member *member, int status)
{
    member->probe = 0;
    if (member->state == MEMBER_STARTING && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        become_ready(member, MEMBER_READY);
}

void member_move_up(struct member *member, bool may_start, struct err *failure)
{
    switch (member->state) {
    case MEMBER_WAITING:
        if (may_start)
            start(member);
        break;
    case MEMBER_STARTING:
        if (ms_in_state(member) > member->process->ready_within_ms)
            give_up_waiting(member, failure);
        else
            ask(member);
        break;
    case MEMBER_BACKOFF:
        if (clock_monotonic_us() >= member->next_us)
            start(member);
        break;
    case MEMBER_READY:
        if (ms_in_state(member) > STEADY_AFTER_MS)
            member->backoff_ms = member->process->backoff_first_ms;
        break;
    case MEMBER_DONE:
    case MEMBER_STOPPING:
    case MEMBER_STOPPED:
        break;
    }
}

/* ---- ends
 * -------------------------------------------------------------------------------------------------------------- */
static void describe_end(char text[64], int status)
{
    if (WIFSIGNALED(status))
        snprintf(text, 64, "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, 64, "ended with code %d", WEXITSTATUS(status));
}

static void end_before_ready(struct member *member, int status, const char *how, struct err *failure)
{
    bool is_hopeless = member->process->probe.type == PROBE_EXIT || ++member->failures >= MOST_FAILURES ||
                       (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG) || !member->process->restarts;
    if (failure && is_hopeless) {
        if (failure->kind == ERR_NONE)
            err_set(failure, ERR_CONFIG, "%s %s before it was ready", member->process->name, how);
        enter(member, MEMBER_STOPPED);
        return;
    }
    back_off(member);
}

static void end_unexpectedly(struct member *member, const char *how)
{
    if (!member->process->restarts) {
        journal_say(member->journal, "%s %s", member->process->name, how);
        enter(member, MEMBER_DONE);
        return;
    }
    journal_say(member->journal, "%s %s: starting it again in %lld ms", member->process->name, how,
        (long long)member->backoff_ms);
    member->restarts++;
    back_off(member);
}

void member_on_exit(struct member *member, int status, struct err *failure)
{
    char how[64];
    describe_end(how, status);
    end_output(member);
    kill(-member->pid, SIGKILL); /* what it may have left behind in its group */
    member->pid = 0;
    if (member->state == MEMBER_STOPPING)
        enter(member, MEMBER_STOPPED);
    else if (member->process->probe.type == PROBE_EXIT && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        become_ready(member, MEMBER_DONE);
    else if (member->was_ready)
        end_unexpectedly(member, how);
    else
        end_before_ready(member, status, how, failure);
}

void member_kill(struct member *member)
{
    if (member->pid > 0)
        kill(-member->pid, SIGKILL);
    if (member->pid > 0)
        kill(member->pid, SIGKILL); /* it may not lead its group yet */
}

void member_move_down(struct member *member, bool may_stop)
{
    if (member->state == MEMBER_STOPPED || !may_stop)
        return;
    if (member->pid == 0) {
        enter(member, MEMBER_STOPPED);
        return;
    }
    if (member->state != MEMBER_STOPPING) {
        enter(member, MEMBER_STOPPING);
        kill(member->pid, member->process->stop_signal);
        return;
    }
    if (ms_in_state(member) > member->process->stop_within_ms) {
        journal_say(member->journal, "%s did not end within %lld s and is killed", member->process->name,
            (long long)(member->process->stop_within_ms / 1000));
        member_kill(member);
        enter(member, MEMBER_STOPPING);
    }
}

void member_describe(const struct member *member, struct view_row *row)
{
    static const char *const names[] = { "waiting", "starting", "ready", "done", "restarts", "stopping", "stopped" };
    *row = (struct view_row){ .pid = (int)member->pid, .restarts = member->restarts, .since_us = member->since_us };
    snprintf(row->name, sizeof row->name, "%s", member->process->name);
    snprintf(row->state, sizeof row->state, "%s", names[member->state]);
}
