#include "tests/support/test_process.h"
#include "base/clock.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_PROCESSES = 32, MOST_FOLDERS = 32, MOST_WAIT_US = 60 * 1000000 };
static pid_t processes[MOST_PROCESSES];
static char *folders[MOST_FOLDERS];
static size_t process_count, folder_count;

__attribute__((noreturn)) static void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "test support: %s %s\n", what, detail);
    abort();
}

static void clean_up(void)
{
    for (size_t i = 0; i < process_count; i++)
        if (processes[i] > 0) {
            kill(processes[i], SIGKILL);
            waitpid(processes[i], NULL, 0);
        }
    for (size_t i = 0; i < folder_count; i++) {
        char command[512];
        snprintf(command, sizeof command, "rm -rf '%s'", folders[i]);
        if (system(command) != 0)
            fprintf(stderr, "test support: %s stays\n", folders[i]);
        free(folders[i]);
    }
}

/* Servers refuse to run as root (PostgreSQL), so tests run them as nobody then. */
static bool unprivileged(uid_t *out_uid, gid_t *out_gid)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam("nobody") : NULL;
    if (!user)
        return false;
    *out_uid = user->pw_uid;
    *out_gid = user->pw_gid;
    return true;
}

const char *test_folder_new(void)
{
    static bool is_registered;
    char template[256];
    uid_t uid;
    gid_t gid;
    const char *base = getenv("TMPDIR");
    snprintf(template, sizeof template, "%s/nwims-test-XXXXXX", base ? base : "/tmp");
    if (folder_count == MOST_FOLDERS || !mkdtemp(template))
        give_up("cannot make a folder like", template);
    if (unprivileged(&uid, &gid) && chown(template, uid, gid) != 0)
        give_up("cannot hand over", template);
    if (!is_registered)
        atexit(clean_up);
    is_registered = true;
    folders[folder_count] = strdup(template);
    return folders[folder_count++];
}

static int loopback_socket(int port, struct sockaddr_in *address)
{
    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Below the range that the kernel takes for outgoing connections: one of another test's could hold the port before its
 * server does. */
int test_free_port(void)
{
    enum { FIRST_PORT = 10240, LAST_PORT = 32767, MOST_TRIES = 200 };
    for (int i = 0; i < MOST_TRIES; i++) {
        uint32_t random;
        struct sockaddr_in address;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            give_up("no randomness for", "a port");
        int port = FIRST_PORT + (int)(random % (LAST_PORT - FIRST_PORT + 1));
        int fd = loopback_socket(port, &address);
        bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
        if (fd >= 0)
            close(fd);
        if (is_free)
            return port;
    }
    give_up("no free port", "");
}

static void run_child(const char *log, const char *const argv[])
{
    uid_t uid;
    gid_t gid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (unprivileged(&uid, &gid) && (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* changing the user clears it */
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* A place for one more process: one that has ended gives its own. */
static pid_t *free_place(void)
{
    for (size_t i = 0; i < process_count; i++)
        if (processes[i] == 0)
            return &processes[i];
    return process_count < MOST_PROCESSES ? &processes[process_count++] : NULL;
}

pid_t test_process_start(const char *folder, const char *name, const char *const argv[])
{
    char log[512];
    snprintf(log, sizeof log, "%s/%s.log", folder, name);
    pid_t pid = fork();
    if (pid == 0)
        run_child(log, argv);
    pid_t *place = free_place();
    if (pid < 0 || !place)
        give_up("cannot start", name);
    *place = pid;
    return pid;
}

static void forget(pid_t pid)
{
    for (size_t i = 0; i < process_count; i++)
        if (processes[i] == pid)
            processes[i] = 0;
}

void test_process_end(pid_t pid, int signal_number)
{
    kill(pid, signal_number);
    waitpid(pid, NULL, 0);
    forget(pid);
}

static bool somebody_listens(int port)
{
    struct sockaddr_in address;
    int fd = loopback_socket(port, &address);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

void test_wait_for_port(int port)
{
    int64_t end = clock_monotonic_us() + MOST_WAIT_US;
    while (clock_monotonic_us() < end) {
        if (somebody_listens(port))
            return;
        clock_sleep_ms(20);
    }
    give_up("nobody listens on a port after a minute", "");
}

void test_nats_restart(struct test_nats *nats)
{
    char port[16], store[512];
    snprintf(port, sizeof port, "%d", nats->port);
    snprintf(store, sizeof store, "%s/js", nats->folder);
    const char *argv[] = { "nats-server", "-a", "127.0.0.1", "-p", port, "-js", "-sd", store, NULL };
    nats->pid = test_process_start(nats->folder, "nats", argv);
    test_wait_for_port(nats->port);
}

void test_nats_start(struct test_nats *nats)
{
    *nats = (struct test_nats){ .folder = test_folder_new(), .port = test_free_port() };
    snprintf(nats->url, sizeof nats->url, "nats://127.0.0.1:%d", nats->port);
    test_nats_restart(nats);
}

static const char *postgres_program(const char *name)
{
    static char path[256];
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0)
        give_up("no PostgreSQL below", "/usr/lib/postgresql");
    snprintf(path, sizeof path, "%s/%s", found.gl_pathv[found.gl_pathc - 1], name);
    globfree(&found);
    return path;
}

void test_postgres_restart(struct test_postgres *postgres)
{
    char port[16], data[512], sockets[600];
    snprintf(port, sizeof port, "%d", postgres->port);
    snprintf(data, sizeof data, "%s/pg", postgres->folder);
    snprintf(sockets, sizeof sockets, "unix_socket_directories=%s", postgres->folder);
    const char *argv[] = { postgres_program("postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
        "-c", sockets, "-c", "fsync=off", "-c", "jit=off", NULL };
    /* One that was killed leaves processes that hold its memory for a while: until they are gone a new one ends at
     * once. */
    int64_t end = clock_monotonic_us() + MOST_WAIT_US;
    postgres->pid = test_process_start(postgres->folder, "postgres", argv);
    while (!somebody_listens(postgres->port) && clock_monotonic_us() < end) {
        if (waitpid(postgres->pid, NULL, WNOHANG) == postgres->pid) {
            forget(postgres->pid);
            postgres->pid = test_process_start(postgres->folder, "postgres", argv);
        }
        clock_sleep_ms(20);
    }
    /* The port is open before recovery ends. */
    char command[512];
    snprintf(command, sizeof command,
        "for i in $(seq 100); do %s -q -h 127.0.0.1 -p %d && exit 0; sleep 0.1; done; exit 1",
        postgres_program("pg_isready"), postgres->port);
    if (system(command) != 0)
        give_up("PostgreSQL is not ready", postgres->folder);
}

void test_postgres_start(struct test_postgres *postgres)
{
    char data[512];
    *postgres = (struct test_postgres){ .folder = test_folder_new(), .port = test_free_port() };
    snprintf(data, sizeof data, "%s/pg", postgres->folder);
    const char *argv[] = { postgres_program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E",
        "UTF8", "--locale=C.UTF-8", NULL };
    pid_t pid = test_process_start(postgres->folder, "initdb", argv);
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || status != 0)
        give_up("initdb failed, see", postgres->folder);
    forget(pid);
    snprintf(postgres->url, sizeof postgres->url, "postgresql://postgres@127.0.0.1:%d/postgres", postgres->port);
    test_postgres_restart(postgres);
}
