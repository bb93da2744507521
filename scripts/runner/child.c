#include "child.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { CANNOT_START = 127 };

void child_signals_reset(void)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void become(const struct stack_process *process, pid_t parent, int output)
{
    prctl(PR_SET_PDEATHSIG, process->stop_signal);
    if (getppid() != parent)
        _exit(CANNOT_START); /* the runner died between fork and prctl */
    setpgid(0, 0);           /* Ctrl-C is for the runner, which stops us in order */
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0)
        _exit(CANNOT_START);
    child_signals_reset();
    execvpe(
        process->command[0], (char *const *)(uintptr_t)process->command, (char *const *)(uintptr_t)process->settings);
    fprintf(stderr, "cannot run %s: %s\n", process->command[0], strerror(errno));
    fflush(stderr);
    _exit(CANNOT_START);
}

bool child_start(const struct stack_process *process, pid_t *out_pid, int *out_output, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_TRANSIENT, "pipe: %s", strerror(errno));
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(process, parent, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_set(err, ERR_TRANSIENT, "fork: %s", strerror(errno));
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK); /* only our end: the child's stays blocking, so that no line is lost */
    *out_pid = pid;
    *out_output = ends[0];
    return true;
}
