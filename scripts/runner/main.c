/* nwims-runner: starts the whole stack on one machine, keeps it running, stops it. See usage below. */
#include "base/clock.h"
#include "instance.h"
#include "journal.h"
#include "stack.h"
#include "supervisor.h"
#include "view.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_TABLES = 8, EXIT_USAGE = 64, EXIT_NOT_RUNNING = 3, STOP_WITHIN_S = 90, US_PER_S = 1000000 };

static const char usage[] =
    "nwims-runner up --folder DIR --stack FILE... [--background] [--show FILE]\n"
    "    starts the processes of the tables and keeps them running; --background returns when all are ready;\n"
    "    the file of --show is printed when all are ready\n"
    "nwims-runner status --folder DIR        what runs: 0 if all is well, 1 if not, 3 if there is no runner\n"
    "nwims-runner logs --folder DIR [NAME] [--follow]\n"
    "nwims-runner down --folder DIR          stops all and waits for it\n";

struct arguments {
    const char *command, *folder, *show, *name;
    const char *tables[MOST_TABLES];
    size_t table_count;
    bool in_background, follows;
};

static bool read_arguments(struct arguments *arguments, int argc, char **argv)
{
    arguments->command = argc > 1 ? argv[1] : "";
    for (int i = 2; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--background") == 0)
            arguments->in_background = true;
        else if (strcmp(argv[i], "--follow") == 0)
            arguments->follows = true;
        else if (strcmp(argv[i], "--folder") == 0 && has_value)
            arguments->folder = argv[++i];
        else if (strcmp(argv[i], "--show") == 0 && has_value)
            arguments->show = argv[++i];
        else if (strcmp(argv[i], "--stack") == 0 && has_value && arguments->table_count < MOST_TABLES)
            arguments->tables[arguments->table_count++] = argv[++i];
        else if (*argv[i] != '-' && !arguments->name)
            arguments->name = argv[i];
        else
            return false;
    }
    return arguments->folder != NULL;
}

static int complain(const struct err *err)
{
    fprintf(stderr, "nwims-runner: %s\n", err->text);
    return 1;
}

static void signals_prepare(void)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void show_file(const char *path)
{
    char line[1024];
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file)
        return;
    while (fgets(line, sizeof line, file))
        fputs(line, stdout);
    fclose(file);
    fflush(stdout);
}

/* Nothing of ours keeps the caller's terminal or pipes open. */
static void let_go_of_terminal(void)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; nowhere >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(nowhere, fd);
    if (nowhere > STDERR_FILENO)
        close(nowhere);
}

/* report: where to say that all is ready, by one byte; -1 in the foreground. */
static int run_stack(const struct arguments *arguments, const struct stack *stack, int report)
{
    struct err err = { 0 };
    AUTO(journal) journal = NULL;
    AUTO(supervisor) supervisor = NULL;
    int64_t began = clock_monotonic_us();
    if (!journal_open(&journal, arguments->folder, report < 0, stack->count, &err) ||
        !supervisor_open(&supervisor, stack, arguments->folder, journal, &err))
        return complain(&err);
    if (!supervisor_start(supervisor, &err)) {
        struct err unseen = { 0 };
        if (report >= 0 && !journal_show(arguments->folder, NULL, false, &unseen))
            journal_say(journal, "%s", unseen.text); /* in the foreground it was seen as it happened */
        supervisor_stop(supervisor);
        journal_say(journal, "Not started: %s", err.text);
        return complain(&err);
    }
    journal_say(journal, "All %zu processes are ready after %.1f s", stack->count,
        (double)(clock_monotonic_us() - began) / US_PER_S);
    show_file(arguments->show);
    if (report >= 0) {
        journal_hush(journal);
        let_go_of_terminal();
        if (write(report, "+", 1) != 1)
            journal_say(journal, "Nobody waits for us to be ready");
        close(report);
    }
    supervisor_keep(supervisor);
    supervisor_stop(supervisor);
    return 0;
}

/* The caller waits for one byte: all is ready. If the runner ends without it, it has said why. */
static int wait_for_report(int report, pid_t runner)
{
    char byte;
    ssize_t got;
    do
        got = read(report, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        return 0;
    waitpid(runner, NULL, 0);
    return 1;
}

static int run_in_background(const struct arguments *arguments, const struct stack *stack, struct instance *instance)
{
    int ends[2];
    struct err err = { 0 };
    if (pipe2(ends, O_CLOEXEC) != 0)
        return complain(&(struct err){ ERR_TRANSIENT, "no pipe" });
    pid_t runner = fork();
    if (runner < 0)
        return complain(&(struct err){ ERR_TRANSIENT, "no process" });
    if (runner > 0) {
        close(ends[1]);
        return wait_for_report(ends[0], runner);
    }
    close(ends[0]);
    setsid();
    signals_prepare();
    if (!instance_sign(instance, &err))
        return complain(&err);
    return run_stack(arguments, stack, ends[1]);
}

static int command_up(const struct arguments *arguments)
{
    struct err err = { 0 };
    AUTO(stack) stack = stack_new();
    AUTO(instance) instance = NULL;
    if (!stack || !instance_open(&instance, arguments->folder, &err))
        return complain(&err);
    for (size_t i = 0; i < arguments->table_count; i++)
        if (!stack_add_file(stack, arguments->tables[i], &err))
            return complain(&err);
    if (arguments->in_background)
        return run_in_background(arguments, stack, instance);
    signals_prepare();
    return run_stack(arguments, stack, -1);
}

static int command_status(const struct arguments *arguments)
{
    struct err err = { 0 };
    bool is_healthy = false;
    if (instance_holder(arguments->folder) == 0) {
        printf("not running\n");
        return EXIT_NOT_RUNNING;
    }
    if (!view_print(arguments->folder, stdout, &is_healthy, &err))
        return complain(&err);
    return is_healthy ? 0 : 1;
}

static int command_logs(const struct arguments *arguments)
{
    struct err err = { 0 };
    return journal_show(arguments->folder, arguments->name, arguments->follows, &err) ? 0 : complain(&err);
}

static int command_down(const struct arguments *arguments)
{
    pid_t runner = instance_holder(arguments->folder);
    if (runner == 0) {
        printf("not running\n");
        return 0;
    }
    if (kill(runner, SIGTERM) != 0) {
        fprintf(stderr, "nwims-runner: cannot signal process %d: %s\n", (int)runner, strerror(errno));
        return 1;
    }
    int64_t end = clock_monotonic_us() + (int64_t)STOP_WITHIN_S * US_PER_S;
    while (instance_holder(arguments->folder) == runner) {
        if (clock_monotonic_us() > end)
            kill(runner, SIGKILL); /* its children get their stop signals from the kernel */
        clock_sleep_ms(50);
    }
    printf("stopped\n");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct arguments *arguments);
    } commands[] = { { "up", command_up }, { "status", command_status }, { "logs", command_logs },
        { "down", command_down } };
    struct arguments arguments = { 0 };
    if (read_arguments(&arguments, argc, argv))
        for (size_t i = 0; i < COUNT_OF(commands); i++)
            if (strcmp(commands[i].name, arguments.command) == 0)
                return commands[i].run(&arguments);
    fputs(usage, stderr);
    return EXIT_USAGE;
}
