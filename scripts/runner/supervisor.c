#include "supervisor.h"
#include "base/clock.h"
#include "child.h"
#include "member.h"
#include "probe.h"
#include "view.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 50 };

struct supervisor {
    const struct stack *stack;
    const char *folder;
    struct journal *journal;
    int signals; /* signalfd */
    bool is_stopping, was_signalled, has_changed;
    struct err *failure; /* of the start; NULL once all are ready */
    struct member members[STACK_MOST_PROCESSES];
};

static bool ports_are_free(const struct stack *stack, struct err *err)
{
    for (size_t i = 0; i < stack->count; i++) {
        const struct stack_probe *probe = &stack->processes[i].probe;
        if ((probe->type == PROBE_TCP || probe->type == PROBE_HTTP) && probe_port_answers(probe))
            return err_set(err, ERR_CONFIG,
                "port %d, which %s needs, is taken by another program: set NWIMS_PORT_BASE to another block",
                probe->port, stack->processes[i].name);
    }
    return true;
}

bool supervisor_open(struct supervisor **out_supervisor, const struct stack *stack, const char *folder,
    struct journal *journal, struct err *err)
{
    sigset_t wanted;
    AUTO(supervisor) supervisor = calloc(1, sizeof *supervisor);
    if (!supervisor)
        return err_set(err, ERR_LIMIT, "no memory");
    supervisor->signals = -1;
    if (!ports_are_free(stack, err))
        return false;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    supervisor->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (supervisor->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return err_set(err, ERR_BUG, "signals: %s", strerror(errno));
    supervisor->stack = stack;
    supervisor->folder = folder;
    supervisor->journal = journal;
    supervisor->has_changed = true;
    for (size_t i = 0; i < stack->count; i++) {
        member_init(&supervisor->members[i], &stack->processes[i], i, journal);
        if (!journal_add(journal, i, stack->processes[i].name, err))
            return false;
    }
    *out_supervisor = TAKE(supervisor);
    return true;
}

void supervisor_close(struct supervisor *supervisor)
{
    if (!supervisor)
        return;
    for (size_t i = 0; supervisor->stack && i < supervisor->stack->count; i++)
        member_done(&supervisor->members[i]);
    if (supervisor->signals >= 0)
        close(supervisor->signals);
    free(supervisor);
}

/* ---- what may begin, what may end
 * ------------------------------------------------------------------------------------ */
static bool may_start(const struct supervisor *supervisor, const struct member *member)
{
    for (size_t i = 0; i < member->process->after_count; i++) {
        const struct member *before = &supervisor->members[member->process->after[i]];
        if (before->state != MEMBER_READY && before->state != MEMBER_DONE && !before->was_ready)
            return false;
    }
    return true;
}

static bool needs(const struct member *member, size_t place)
{
    for (size_t i = 0; i < member->process->after_count; i++)
        if (member->process->after[i] == place)
            return true;
    return false;
}

static bool may_stop(const struct supervisor *supervisor, size_t place)
{
    for (size_t i = 0; i < supervisor->stack->count; i++)
        if (supervisor->members[i].state != MEMBER_STOPPED && needs(&supervisor->members[i], place))
            return false;
    return true;
}

static bool all_are(const struct supervisor *supervisor, bool (*is_so)(const struct member *member))
{
    for (size_t i = 0; i < supervisor->stack->count; i++)
        if (!is_so(&supervisor->members[i]))
            return false;
    return true;
}

static bool is_up(const struct member *member)
{
    return member->state == MEMBER_READY || member->state == MEMBER_DONE;
}

static bool is_down(const struct member *member)
{
    return member->state == MEMBER_STOPPED;
}

/* ---- events
 * ------------------------------------------------------------------------------------------------------------- */
static void write_view(struct supervisor *supervisor)
{
    struct view_row rows[STACK_MOST_PROCESSES];
    for (size_t i = 0; i < supervisor->stack->count; i++)
        member_describe(&supervisor->members[i], &rows[i]);
    view_write(supervisor->folder, rows, supervisor->stack->count);
    supervisor->has_changed = false;
}

static void reap(struct supervisor *supervisor)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < supervisor->stack->count; i++) {
            struct member *member = &supervisor->members[i];
            if (member->pid == pid)
                member_on_exit(member, status, supervisor->failure);
            else if (member->probe == pid)
                member_on_answer(member, status);
            else
                continue;
            supervisor->has_changed = true;
        }
}

static void end_at_once(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->stack->count; i++)
        member_kill(&supervisor->members[i]);
}

static void read_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo signal;
    while (read(supervisor->signals, &signal, sizeof signal) == (ssize_t)sizeof signal) {
        if (signal.ssi_signo == SIGCHLD)
            continue;
        if (supervisor->is_stopping)
            end_at_once(supervisor);
        supervisor->was_signalled = true;
    }
    reap(supervisor); /* signals of many children may come as one */
}

static void wait_for_events(struct supervisor *supervisor)
{
    struct pollfd files[STACK_MOST_PROCESSES + 1] = { { .fd = supervisor->signals, .events = POLLIN } };
    size_t count = supervisor->stack->count;
    for (size_t i = 0; i < count; i++) /* a closed one is -1, which poll passes over */
        files[i + 1] = (struct pollfd){ .fd = supervisor->members[i].output, .events = POLLIN };
    if (poll(files, count + 1, TICK_MS) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (files[i + 1].revents)
            member_read_output(&supervisor->members[i]);
    if (files[0].revents)
        read_signals(supervisor);
}

static void move_on(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->stack->count; i++) {
        struct member *member = &supervisor->members[i];
        enum member_state before = member->state;
        if (supervisor->is_stopping)
            member_move_down(member, may_stop(supervisor, i));
        else
            member_move_up(member, may_start(supervisor, member), supervisor->failure);
        supervisor->has_changed = supervisor->has_changed || before != member->state;
    }
    if (supervisor->has_changed)
        write_view(supervisor);
}

bool supervisor_start(struct supervisor *supervisor, struct err *err)
{
    *err = (struct err){ 0 };
    supervisor->failure = err;
    while (!all_are(supervisor, is_up) && err->kind == ERR_NONE && !supervisor->was_signalled) {
        move_on(supervisor);
        wait_for_events(supervisor);
    }
    supervisor->failure = NULL;
    write_view(supervisor);
    if (err->kind == ERR_NONE && supervisor->was_signalled)
        return err_set(err, ERR_TRANSIENT, "interrupted");
    return err->kind == ERR_NONE;
}

void supervisor_keep(struct supervisor *supervisor)
{
    while (!supervisor->was_signalled) {
        move_on(supervisor);
        wait_for_events(supervisor);
    }
}

void supervisor_stop(struct supervisor *supervisor)
{
    supervisor->is_stopping = true;
    journal_say(supervisor->journal, "Stopping");
    for (move_on(supervisor); !all_are(supervisor, is_down); move_on(supervisor))
        wait_for_events(supervisor);
    write_view(supervisor);
    journal_say(supervisor->journal, "Stopped");
}
