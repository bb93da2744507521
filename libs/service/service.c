#include "base/buffer.h"
#include "base/clock.h"
#include "service/streams.h"
#include "service_internal.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { RETRY_MS = 500, POOL_WAIT_MS = 5000, USUAL_STATEMENT_MS = 10000, MOST_TABLES = 5 };

int service_schema_version(const struct service_program *program)
{
    int version = 0;
    for (const struct migration *migration = program->migrations; migration && migration->version > 0; migration++)
        version = migration->version;
    return version;
}

/* The tables of settings that a program has: common, bus, store, its own. */
static void choose_tables(const struct service_program *program, const struct setting *tables[MOST_TABLES])
{
    size_t count = 0;
    tables[count++] = service_common_settings;
    if (program->uses_bus)
        tables[count++] = service_bus_settings;
    if (program->schema)
        tables[count++] = service_store_settings;
    if (program->settings)
        tables[count++] = program->settings;
    tables[count] = NULL;
}

static void print_help(const struct service_program *program, const struct setting *const tables[])
{
    AUTO_INPLACE(buffer) text = { 0 };
    settings_help(&text, tables);
    printf("%s: %s\n\nUsage: %s [--help | --help-config | --version | --healthcheck%s]\n\nSettings, from the environment (a secret NAME also from the file that NAME_FILE names):\n%s",
        program->name, program->summary, program->name, program->migrations ? " | migrate" : "", text.data);
}

static void print_description(const struct setting *const tables[])
{
    AUTO_INPLACE(buffer) json = { 0 };
    settings_describe(&json, tables);
    puts(json.data);
}

static bool load_settings(void *config, const struct setting *const tables[], struct err *err)
{
    AUTO_INPLACE(buffer) mistakes = { 0 };
    if (settings_load(config, tables, &mistakes, err))
        return true;
    fputs(mistakes.data, stderr);
    return false;
}

/* What ends the process at once; -1 if nothing does. */
static int run_command(const struct service_program *program, void *config, const struct setting *const tables[], const char *command)
{
    struct err err = { 0 };
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0) {
        print_help(program, tables);
        return 0;
    }
    if (strcmp(command, "--help-config") == 0) {
        print_description(tables);
        return 0;
    }
    if (strcmp(command, "--version") == 0) {
        printf("%s %s (%s)\n", program->name, NWIMS_VERSION, NWIMS_COMMIT);
        return 0;
    }
    if (strcmp(command, "--healthcheck") == 0)
        return load_settings(config, tables, &err) && admin_ask_readiness(((struct service_config *)config)->admin_address) ? 0 : 1;
    if (program->migrations && strcmp(command, "migrate") == 0)
        return -1;
    fprintf(stderr, "%s: \"%s\" is no argument that it knows; see %s --help\n", program->name, command, program->name);
    return 64; /* EX_USAGE */
}

static bool catch_signals(struct service *service, struct err *err)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    /* Before any thread exists, so that every one inherits it. */
    pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    service->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC);
    service->wake_fd = eventfd(0, EFD_CLOEXEC);
    return (service->signal_fd >= 0 && service->wake_fd >= 0) || err_set(err, ERR_LIMIT, "signalfd: %s", strerror(errno));
}

static void say_waiting(struct service *service, const char *what, const struct err *err)
{
    pthread_mutex_lock(&service->lock);
    snprintf(service->waiting_for, sizeof service->waiting_for, "%s (%.150s)", what, err->text);
    pthread_mutex_unlock(&service->lock);
}

/* Tries again while the other side is away, until CONNECT_WAIT_MS are over or a signal says stop. */
static bool wait_for(struct service *service, const char *what, bool (*step)(struct service *, struct err *), struct err *err)
{
    int64_t until_us = clock_monotonic_us() + service->config->connect_wait_ms * 1000;
    bool was_told = false;
    while (!step(service, err)) {
        struct pollfd stop = { .fd = service->signal_fd, .events = POLLIN };
        if ((err->kind != ERR_TRANSIENT && err->kind != ERR_DEADLINE) || clock_monotonic_us() > until_us)
            return err_wrap(err, "%s", what);
        if (!was_told)
            log_warn(NULL, "service.waiting", LOG_TEXT("for", what), LOG_ERR(err));
        was_told = true;
        say_waiting(service, what, err);
        if (poll(&stop, 1, RETRY_MS) > 0)
            return err_set(err, ERR_TRANSIENT, "stopped by a signal while waiting for %s", what);
    }
    if (was_told)
        log_info(NULL, "service.goes_on", LOG_TEXT("with", what));
    return true;
}

static bool migrate_step(struct service *service, struct err *err)
{
    const struct store_config config = { .url = service->config->store_owner_url,
        .schema = service->program->schema,
        .name = service->program->name,
        .pool_size = 1,
        .wait_ms = POOL_WAIT_MS };
    AUTO(store) owner = NULL;
    return store_open(&owner, &config, err) &&
           migrate_up(owner, service->program->schema, service->program->migrations, NWIMS_VERSION, err);
}

static bool store_step(struct service *service, struct err *err)
{
    const struct service_program *program = service->program;
    const struct store_config config = { .url = service->config->store_url,
        .schema = program->schema,
        .name = program->name,
        .pool_size = service->config->store_pool,
        .wait_ms = POOL_WAIT_MS,
        .statement_ms = program->statement_ms ? program->statement_ms : USUAL_STATEMENT_MS,
        .prepare = service->config->store_prepare };
    return store_open(&service->store, &config, err);
}

static bool schema_step(struct service *service, struct err *err)
{
    int version = 0, wanted = service_schema_version(service->program);
    if (!migrate_version(service->store, service->program->schema, &version, err))
        return false;
    return version >= wanted ||
           err_set(err, ERR_TRANSIENT, "version %d, wanted %d: run \"%s migrate\" or set DATABASE_OWNER_URL", version, wanted, service->program->name);
}

static bool bus_step(struct service *service, struct err *err)
{
    const struct bus_config config = { .url = service->config->bus_url,
        .user = service->config->bus_user,
        .password = service->config->bus_password,
        .name = service->program->name };
    return bus_open(&service->bus, &config, err);
}

static bool streams_step(struct service *service, struct err *err)
{
    return streams_ensure(service->bus, err);
}

static bool connect_all(struct service *service, struct err *err)
{
    const struct service_program *program = service->program;
    if (program->schema && program->migrations && *service->config->store_owner_url && !wait_for(service, "migration", migrate_step, err))
        return false;
    if (program->schema && !wait_for(service, "database", store_step, err))
        return false;
    if (program->schema && program->migrations && !wait_for(service, "schema", schema_step, err))
        return false;
    return !program->uses_bus || (wait_for(service, "bus", bus_step, err) && wait_for(service, "streams", streams_step, err));
}

static struct service *service_new(const struct service_program *program, void *config)
{
    struct service *service = calloc(1, sizeof *service);
    if (!service)
        return NULL;
    service->program = program;
    service->config = config;
    service->signal_fd = service->wake_fd = -1;
    pthread_mutex_init(&service->lock, NULL);
    return service;
}

static bool begin_log(const struct service *service, const struct setting *const tables[], struct err *err)
{
    enum log_level level;
    if (!log_level_parse(service->config->log_level, &level))
        return err_set(err, ERR_CONFIG, "LOG_LEVEL: say debug, info, warn or error, not \"%s\"", service->config->log_level);
    log_start(service->program->name, NWIMS_VERSION, level);
    settings_log(service->config, tables);
    return true;
}

bool service_open(struct service **out_service, const struct service_program *program, void *config, int argc, char **argv, struct err *err)
{
    const struct setting *tables[MOST_TABLES];
    choose_tables(program, tables);
    log_start(program->name, NWIMS_VERSION, LOG_INFO);
    for (int i = 1; i < argc; i++) {
        int code = run_command(program, config, tables, argv[i]);
        if (code >= 0)
            exit(code);
    }
    struct service *service = service_new(program, config);
    if (!service)
        return err_set(err, ERR_LIMIT, "out of memory");
    *out_service = service;
    if (!load_settings(config, tables, err) || !begin_log(service, tables, err) || !catch_signals(service, err))
        return false;
    if (argc > 1) {
        bool ok = wait_for(service, "migration", migrate_step, err);
        exit(service_exit(ok, err));
    }
    return admin_open(service, err) && connect_all(service, err);
}

struct bus *service_bus(struct service *service)
{
    return service->bus;
}

struct store *service_store(struct service *service)
{
    return service->store;
}

bool service_is_draining(const struct service *service)
{
    return atomic_load(&service->is_draining);
}

void service_fail(struct service *service, const struct err *err)
{
    uint64_t one = 1;
    pthread_mutex_lock(&service->lock);
    if (service->failure.kind == ERR_NONE)
        service->failure = *err;
    pthread_mutex_unlock(&service->lock);
    if (write(service->wake_fd, &one, sizeof one) != sizeof one)
        log_error(NULL, "service.wake_failed");
}

bool service_add_check(struct service *service, const char *name, bool (*check)(void *context, struct err *err), void *context, struct err *err)
{
    if (service->check_count == SERVICE_MOST_CHECKS)
        return err_set(err, ERR_BUG, "more than %d checks", SERVICE_MOST_CHECKS);
    service->checks[service->check_count].name = name;
    service->checks[service->check_count].check = check;
    service->checks[service->check_count].context = context;
    service->check_count++;
    return true;
}

/* The signal that came, 0 for none within wait_ms (-1: for ever), -1 when a thread failed. */
static int next_signal(struct service *service, int wait_ms)
{
    struct pollfd fds[] = { { .fd = service->signal_fd, .events = POLLIN }, { .fd = service->wake_fd, .events = POLLIN } };
    int count = poll(fds, 2, wait_ms);
    if (count <= 0)
        return 0;
    if (fds[1].revents)
        return -1;
    struct signalfd_siginfo info;
    return read(service->signal_fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

static void switch_log_level(void)
{
    static bool is_debug;
    is_debug = !is_debug;
    log_set_level(is_debug ? LOG_DEBUG : LOG_INFO);
    log_info(NULL, "log.level", LOG_TEXT("level", is_debug ? "debug" : "info"));
}

/* A second signal while we finish means now, and so does finishing for longer than DRAIN_MS. */
static void *exit_on_second_signal(void *argument)
{
    struct service *service = argument;
    int64_t until_us = clock_monotonic_us() + (service->config->drain_delay_ms + service->config->drain_ms) * 1000;
    int number = 0;
    while ((number == 0 || number == SIGUSR1) && clock_monotonic_us() < until_us)
        number = next_signal(service, (int)((until_us - clock_monotonic_us()) / 1000 + 1));
    log_warn(NULL, "service.stopped_at_once", LOG_TEXT("why", number == 0 ? "draining took longer than DRAIN_MS" : "a second signal"));
    _exit(1);
}

static void watch_for_second_signal(struct service *service)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, exit_on_second_signal, service) == 0)
        pthread_detach(thread);
}

bool service_run(struct service *service, struct err *err)
{
    int number;
    atomic_store(&service->has_started, true);
    log_info(NULL, "service.ready");
    while ((number = next_signal(service, -1)) != SIGTERM && number != SIGINT && number != -1)
        if (number == SIGUSR1)
            switch_log_level();
    atomic_store(&service->is_draining, true);
    if (number == -1) {
        pthread_mutex_lock(&service->lock);
        *err = service->failure;
        pthread_mutex_unlock(&service->lock);
        return false;
    }
    log_info(NULL, "service.draining", LOG_MS("delay_ms", service->config->drain_delay_ms));
    watch_for_second_signal(service);
    clock_sleep_ms(service->config->drain_delay_ms);
    return true;
}

void service_close(struct service *service)
{
    if (!service)
        return;
    outbox_relay_stop(TAKE(service->relay));
    http_server_close(TAKE(service->admin));
    bus_close(service->bus);
    store_close(service->store);
    /* The descriptors and the struct stay for the thread that waits for a second signal; the process ends now. */
}
