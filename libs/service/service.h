/* The life of a process: arguments, settings, log, signals, connections, migrations, probes, run, drain, exit. Every
 * service's main looks the same:
 *
 *   static const struct service_program program = { .name = "registry", .summary = "...", .settings =
 * registry_settings, .schema = "registry", .migrations = migrations, .uses_bus = true }; int main(int argc, char
 * **argv)
 *   {
 *       struct app app = {0};
 *       struct err err = {0};
 *       bool ok = service_open(&app.service, &program, &app.config, argc, argv, &err)
 *              && app_start(&app, &err)
 *              && service_run(app.service, &err);          // ready; returns true on SIGTERM, after DRAIN_DELAY_MS
 *       app_stop(&app);                                    // stop intake, finish what we hold, flush
 *       service_close(app.service);
 *       return service_exit(ok, &err);
 *   }
 */
#pragma once
#include "base/err.h"
#include "base/settings.h"
#include "bus/bus.h"
#include "store/migrate.h"
#include "store/store.h"

/* The first member of every service's configuration. */
struct service_config {
    char log_level[8];
    char admin_address[64];
    int64_t drain_delay_ms;
    int64_t drain_ms;
    int64_t connect_wait_ms;
    char bus_url[256];
    char bus_user[64];
    char bus_password[128];
    char store_url[512];
    char store_owner_url[512];
    int64_t store_pool;
    bool store_prepare;
};

struct service_program {
    const char *name;
    const char *summary;                /* one line for --help */
    const struct setting *settings;     /* its own; NULL if none */
    const char *schema;                 /* NULL: no PostgreSQL */
    const struct migration *migrations; /* NULL: reads another program's schema (history) */
    bool uses_bus;
    int64_t statement_ms; /* statement_timeout of the pool; 0: 10,000 */
};

struct service;

/* --help, --help-config, --version, --healthcheck (asks our own /readyz: exit 0 or 1) and "migrate" (migrate and exit)
 * end the process. Then: settings, log, signals blocked, SIGPIPE ignored, admin listener (/livez /readyz /startupz
 * /metrics /buildinfo), store (migrated when DATABASE_OWNER_URL is set, else checked), bus, streams. Dependencies that
 * are away are waited for up to CONNECT_WAIT_MS, saying so. A signal meanwhile: false with an empty err, which
 * service_exit takes for a good end. */
MUST_CHECK bool service_open(struct service **out_service, const struct service_program *program, void *config,
    int argc, char **argv, struct err *err);
struct bus *service_bus(struct service *service);
/* To be called by every program that names a schema: it is what links PostgreSQL's client library. */
struct store *service_store(struct service *service);
/* From now on ready; waits for SIGTERM or SIGINT (a second one exits at once; SIGUSR1 switches the log to debug and
 * back). Then /readyz says 503 and DRAIN_DELAY_MS pass. False if service_fail was called. What follows may take
 * DRAIN_MS: then the process is ended. */
MUST_CHECK bool service_run(struct service *service, struct err *err);
bool service_is_draining(const struct service *service);
/* A thread that cannot go on ends the process through this: logged, exit code by kind, restarted by whoever supervises.
 * Any thread. */
void service_fail(struct service *service, const struct err *err);
/* Extra conditions of /readyz; at most 8. */
MUST_CHECK bool service_add_check(struct service *service, const char *name,
    bool (*check)(void *context, struct err *err), void *context, struct err *err);
/* Publishes the schema's outbox on a thread of its own until the service stops; woken by service_outbox_wake, else
 * every 250 ms. */
MUST_CHECK bool service_relay_outbox(struct service *service, struct err *err);
void service_outbox_wake(struct service *service);
void service_close(struct service *service);
AUTO_DEFINE(service, service_close)
/* One last line; 0, or an exit code per error kind (ERR_CONFIG: 78 as in sysexits.h, else 70). */
int service_exit(bool ok, const struct err *err);
