/* What the files of this library share. */
#pragma once
#include "base/log.h"
#include "http/http_server.h"
#include "metrics/metrics.h"
#include "service/service.h"
#include <pthread.h>
#include <stdatomic.h>

enum { SERVICE_MOST_CHECKS = 8 };

extern const struct setting service_common_settings[];
extern const struct setting service_bus_settings[];
extern const struct setting service_store_settings[];

struct outbox_relay;
struct service {
    const struct service_program *program;
    struct service_config *config;
    struct store *store;
    struct bus *bus;
    struct http_server *admin;
    struct outbox_relay *relay;
    int signal_fd;
    int wake_fd; /* service_fail writes, service_run reads */
    atomic_bool has_started, is_draining;
    /* What /readyz says while we wait for something; guarded, since the admin thread reads it. */
    pthread_mutex_t lock;
    char waiting_for[200];
    struct err failure;
    struct {
        const char *name;
        bool (*check)(void *context, struct err *err);
        void *context;
    } checks[SERVICE_MOST_CHECKS];
    size_t check_count;
};

MUST_CHECK bool admin_open(struct service *service, struct err *err);
/* Asks /readyz of a process that runs with the same settings: what --healthcheck answers. */
MUST_CHECK bool admin_ask_readiness(const char *address);
/* The newest migration of the program. */
int service_schema_version(const struct service_program *program);
void outbox_relay_stop(struct outbox_relay *relay);
