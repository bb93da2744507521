#include "service/service_internal.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void tell_mistakes(char *mistakes)
{
    char *rest = NULL;
    for (char *line = strtok_r(mistakes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        log_error(NULL, "settings.mistake", LOG_TEXT("mistake", line));
}

/* The table cannot know the words that LOG_LEVEL may be. */
static bool check_level(const struct service_config *config, struct buffer *mistakes)
{
    enum log_level level;
    bool ok = *config->log_level == '\0' || log_level_parse(config->log_level, &level);
    if (!ok)
        buffer_printf(mistakes, "LOG_LEVEL: say debug, info, warn or error, not \"%s\"\n", config->log_level);
    return ok;
}

static bool load_settings(struct service_config *config, const struct setting *const tables[], struct err *err)
{
    AUTO_INPLACE(buffer) mistakes = { 0 };
    struct err wrong = { 0 };
    bool ok = settings_load(config, tables, &mistakes, &wrong);
    bool level_ok = check_level(config, &mistakes);
    if (ok && level_ok)
        return true;
    if (mistakes.data)
        tell_mistakes(mistakes.data);
    return err_set(err, ERR_CONFIG, "%s",
        level_ok ? wrong.text
        : ok     ? "1 setting is wrong"
                 : "several settings are wrong");
}

static struct service *service_new(const struct service_program *program, struct service_config *config)
{
    struct service *service = calloc(1, sizeof *service);
    if (!service)
        return NULL;
    service->program = program;
    service->config = config;
    lifetime_init(&service->lifetime);
    pthread_mutex_init(&service->lock, NULL);
    pthread_mutex_init(&service->checking, NULL);
    return service;
}

static void service_free(struct service *service)
{
    pthread_mutex_destroy(&service->lock);
    pthread_mutex_destroy(&service->checking);
    free(service);
}

/* Large blocks go back to the system when they are freed. Left to itself glibc raises the threshold to the largest
 * block that was ever freed, up to 32 MiB: after a few logins identity kept 107 MiB of Argon2id's memory. */
static void give_memory_back(void)
{
    enum { LARGE_BYTES = 2 * 1024 * 1024 }; /* above the chunks of an arena, which come and go with each message */
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES);
}

static void begin_log(const struct service *service, const struct setting *const tables[])
{
    log_set_level(service->lifetime.level);
    settings_log(service->config, tables);
}

/* One-shot: the process ends here, as its exit code says. */
__attribute__((noreturn)) static void migrate_and_exit(struct service *service)
{
    static const struct setting *const tables[] = { service_common_settings, service_owner_settings, NULL };
    struct err err = { 0 };
    bool ok = load_settings(service->config, tables, &err) &&
              lifetime_begin(&service->lifetime, service->config, &err) && service_needs_storage(&err) &&
              service_storage.migrate(service, &err);
    exit(service_exit(ok, &err));
}

bool service_open(struct service **out_service, const struct service_program *program, void *config, int argc,
    char **argv, struct err *err)
{
    const struct setting *tables[SERVICE_MOST_TABLES];
    enum arguments wanted = arguments_read(program, config, argc, argv);
    log_start(program->name, NWIMS_VERSION, LOG_INFO);
    give_memory_back();
    AUTO(service) service = service_new(program, config);
    if (!service)
        return err_set(err, ERR_LIMIT, "no memory for a service");
    if (wanted == ARGUMENTS_MIGRATE)
        migrate_and_exit(service);
    arguments_tables(program, tables);
    if (!load_settings(config, tables, err) || !lifetime_begin(&service->lifetime, config, err))
        return false;
    begin_log(service, tables);
    if (!admin_open(service, err) || !connect_all(service, err) || (service->bus && !ping_start(service, err)))
        return false;
    *out_service = TAKE(service);
    return true;
}

struct bus *service_bus(struct service *service)
{
    return service->bus;
}

bool service_is_draining(const struct service *service)
{
    return atomic_load(&service->is_draining);
}

void service_fail(struct service *service, const struct err *err)
{
    lifetime_fail(&service->lifetime, err);
}

bool service_add_check(struct service *service, const char *name, bool (*check)(void *context, struct err *err),
    void *context, struct err *err)
{
    pthread_mutex_lock(&service->lock);
    bool has_place = service->check_count < SERVICE_MOST_CHECKS;
    if (has_place)
        service->checks[service->check_count++] =
            (struct service_check){ .name = name, .check = check, .context = context };
    pthread_mutex_unlock(&service->lock);
    return has_place || err_set(err, ERR_BUG, "more than %d checks", SERVICE_MOST_CHECKS);
}

bool service_run(struct service *service, struct err *err)
{
    atomic_store(&service->was_ready, true);
    atomic_store(&service->has_started, true);
    log_info(NULL, "service.ready");
    bool goes_on = lifetime_wait(&service->lifetime, -1);
    atomic_store(&service->is_draining, !goes_on);
    lifetime_wait_for_failure(&service->lifetime, service->config->drain_delay_ms);
    return lifetime_verdict(&service->lifetime, err);
}

void service_close(struct service *service)
{
    if (!service)
        return;
    if (service->relay)
        service->stop_relay(TAKE(service->relay));
    ping_stop(TAKE(service->ping));
    http_server_close(TAKE(service->admin)); /* these look at both: before them */
    bus_close(TAKE(service->bus));
    if (service_has_storage())
        service_storage.close(service);
    lifetime_done(&service->lifetime);
    service_free(service);
}
