/* Real servers for tests: started on free loopback ports in a fresh folder, as an unprivileged user when we are root,
 * killed at exit. */
#pragma once
#include "base/compiler.h"
#include <sys/types.h>

/* A fresh folder below TMPDIR that the unprivileged user owns; removed at exit. Aborts the test if it cannot be made.
 */
const char *test_folder_new(void);
/* A loopback port that was free a moment ago. */
int test_free_port(void);
/* Starts argv (NULL-terminated); output goes to folder/name.log. Killed with SIGKILL at exit of the test. Aborts the
 * test if it cannot be started. */
pid_t test_process_start(const char *folder, const char *name, const char *const argv[]);
/* Sends the signal and waits until it is gone (for SIGKILL, SIGTERM, SIGINT). */
void test_process_end(pid_t pid, int signal_number);
/* Waits until 127.0.0.1:port takes connections; aborts the test after 10 s. */
void test_wait_for_port(int port);

struct test_nats {
    pid_t pid;
    int port;
    const char *folder;
    char url[64];
};
/* nats-server with JetStream; the same folder and port after a restart. */
void test_nats_start(struct test_nats *nats);
void test_nats_restart(struct test_nats *nats); /* after test_process_end */

struct test_postgres {
    pid_t pid;
    int port;
    const char *folder;
    char url[128]; /* of the superuser, database postgres */
};
/* A new cluster (fsync off, trust on loopback). */
void test_postgres_start(struct test_postgres *postgres);
void test_postgres_restart(struct test_postgres *postgres);
