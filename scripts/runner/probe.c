#include "probe.h"
#include "child.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_WITHIN_S = 3, MOST_PIECES = 4096 };

static int connect_to(const struct stack_probe *probe)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)probe->port) };
    struct timeval limit = { .tv_sec = ANSWER_WITHIN_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (inet_pton(AF_INET, probe->host, &address.sin_addr) == 1 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

bool probe_port_answers(const struct stack_probe *probe)
{
    int fd = connect_to(probe);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool http_answers_200(const struct stack_probe *probe)
{
    char request[512], answer[64] = "";
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s:%d\r\nConnection: close\r\n\r\n",
        probe->path, probe->host, probe->port);
    int fd = connect_to(probe);
    if (fd < 0)
        return false;
    bool is_ok = length < (int)sizeof request && send(fd, request, (size_t)length, MSG_NOSIGNAL) == length &&
                 recv(fd, answer, sizeof answer - 1, MSG_WAITALL) > 12 && strncmp(answer + 8, " 200", 4) == 0;
    for (int i = 0; is_ok && i < MOST_PIECES && recv(fd, answer, sizeof answer, 0) > 0; i++)
        continue; /* closing before the end would look like an error to the server */
    close(fd);
    return is_ok;
}

__attribute__((noreturn)) static void ask(const struct stack_probe *probe)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    child_signals_reset();
    alarm(ANSWER_WITHIN_S);
    if (probe->type == PROBE_TCP)
        _exit(probe_port_answers(probe) ? 0 : 1);
    if (probe->type == PROBE_HTTP)
        _exit(http_answers_200(probe) ? 0 : 1);
    int nowhere = open("/dev/null", O_RDWR);
    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
    execvp(probe->command[0], (char *const *)(uintptr_t)probe->command);
    _exit(127);
}

bool probe_start(const struct stack_probe *probe, pid_t *out_pid, struct err *err)
{
    pid_t pid = fork();
    if (pid == 0)
        ask(probe);
    if (pid < 0)
        return err_set(err, ERR_TRANSIENT, "fork: %s", strerror(errno));
    *out_pid = pid;
    return true;
}
