/* What the files of this library share. */
#pragma once
#include "base/buffer.h"
#include "base/log.h"
#include "http/http_server.h"
#include "metrics/metrics.h"
#include "service/service.h"
#include <pthread.h>
#include <stdatomic.h>

enum { SERVICE_MOST_CHECKS = 8, SERVICE_MOST_TABLES = 5, SERVICE_STACK_BYTES = 256 * 1024 };

extern const struct setting service_common_settings[];
extern const struct setting service_bus_settings[];
extern const struct setting service_store_settings[];
extern const struct setting service_owner_settings[]; /* for "migrate": the owner's URL is needed, the other is not */

/* What a process knows of its own life; written by the signal thread, by service_fail and by service_run. */
struct lifetime {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop_wanted;
    struct err failure; /* of service_fail; the first */
    int64_t exit_by_us; /* 0: not yet; beyond it the signal thread ends the process */
    bool is_over;
    int signal_fd, wake_fd;
    pthread_t thread;
    bool has_thread;
    int64_t drain_delay_ms, drain_ms;
    enum log_level level;
};
void lifetime_init(struct lifetime *lifetime);
/* Blocks the signals and starts the thread that reads them: before any other thread, so that all inherit the mask. */
MUST_CHECK bool lifetime_begin(struct lifetime *lifetime, const struct service_config *config, struct err *err);
void lifetime_done(struct lifetime *lifetime);
/* Waits until told to stop, until a thread failed or until wait_ms (-1: for ever) are over; true if it is to go on. */
bool lifetime_wait(struct lifetime *lifetime, int64_t wait_ms);
/* For the wait after SIGTERM, which only a failure cuts short. */
void lifetime_wait_for_failure(struct lifetime *lifetime, int64_t wait_ms);
void lifetime_fail(struct lifetime *lifetime, const struct err *err);
/* False, with the failure in err, if there was one. From now on DRAIN_MS count. */
MUST_CHECK bool lifetime_verdict(struct lifetime *lifetime, struct err *err);

struct ping;
struct service {
    const struct service_program *program;
    struct service_config *config;
    struct store *store;
    struct bus *bus;
    struct http_server *admin;
    struct outbox_relay *relay;
    struct ping *ping;
    void (*stop_relay)(struct outbox_relay *relay); /* set with it: so that only who relays links what it takes */
    struct lifetime lifetime;
    atomic_bool has_started, is_draining;
    pthread_mutex_t lock; /* guards what follows */
    char waiting_for[240];
    struct service_check {
        const char *name;
        bool (*check)(void *context, struct err *err);
        void *context;
    } checks[SERVICE_MOST_CHECKS];
    size_t check_count;
    pthread_mutex_t checking; /* held by the one that asks the dependencies */
    atomic_bool was_ready;    /* at the last check */
};

/* What the arguments ask for: help and the like end the process here. */
enum arguments { ARGUMENTS_RUN, ARGUMENTS_MIGRATE };
enum arguments arguments_read(
    const struct service_program *program, struct service_config *config, int argc, char **argv);
/* The settings that a program has: common, bus, store, its own; ends with NULL. */
void arguments_tables(const struct service_program *program, const struct setting *tables[SERVICE_MOST_TABLES]);

/* The newest migration of the program. */
int service_schema_version(const struct service_program *program);
MUST_CHECK bool connect_all(struct service *service, struct err *err);
/* Tries until step works, the failure is none that passes, CONNECT_WAIT_MS are over or a signal says stop: then err is
 * empty, for nothing went wrong. */
MUST_CHECK bool connect_wait_for(
    struct service *service, const char *what, bool (*step)(struct service *, struct err *), struct err *err);

/* PostgreSQL's part (storage.c), absent in programs that never call service_store: weak, so that nothing here pulls it
 * in. */
struct service_storage {
    bool (*migrate)(struct service *service, struct err *err);
    bool (*connect)(struct service *service, struct err *err); /* migrated or checked, then the pool */
    bool (*ask)(struct service *service, struct buffer *out);  /* for readiness */
    void (*close)(struct service *service);
};
extern const struct service_storage service_storage __attribute__((weak));
bool service_has_storage(void);
/* ERR_BUG for a program that names a schema and never calls service_store. */
MUST_CHECK bool service_needs_storage(struct err *err);

/* ping.c: answers what GET /system/services of the gateway asks on the bus. */
#define PING_SUBJECT "system.ping"
MUST_CHECK bool ping_start(struct service *service, struct err *err);
void ping_stop(struct ping *ping); /* NULL is fine */

MUST_CHECK bool admin_open(struct service *service, struct err *err);
/* Appends a line for one check; returns ok. */
bool readiness_tell(struct buffer *out, const char *name, bool ok, const char *why);
/* Appends a line for each check; true if the process can take work. */
bool readiness_check(struct service *service, struct buffer *out);
/* Asks /readyz of a process that runs with the same settings: what --healthcheck answers. */
MUST_CHECK bool healthcheck(const char *address);
