/* batch-writer: stores the readings of the stream READINGS in PostgreSQL, each exactly once. See README.md. */
#include "chores.h"
#include "compactor.h"
#include "sequence_teller.h"
#include "settings.h"
#include "stream_keeper.h"
#include "writer.h"

enum { MOST_WRITERS = 32 };

MIGRATION_DECLARE(0001_telemetry)
MIGRATION_DECLARE(0002_last_stored)
MIGRATION_DECLARE(0003_batch_status)
MIGRATION_DECLARE(0004_partition_watch)
MIGRATION_DECLARE(0005_protocols)
MIGRATION_DECLARE(0006_one_count)
MIGRATION_DECLARE(0007_device_sequences)
MIGRATION_DECLARE(0008_sequence_due)
static const struct migration migrations[] = { MIGRATION(1, 0001_telemetry), MIGRATION(2, 0002_last_stored),
    MIGRATION(3, 0003_batch_status), MIGRATION(4, 0004_partition_watch), MIGRATION(5, 0005_protocols),
    MIGRATION(6, 0006_one_count), MIGRATION(7, 0007_device_sequences), MIGRATION(8, 0008_sequence_due), { 0 } };

static const struct service_program program = {
    .name = "batch-writer",
    .summary = "Stores readings from the bus in PostgreSQL.",
    .settings = batch_writer_settings,
    .schema = "telemetry",
    .migrations = migrations,
    .uses_bus = true,
    .statement_ms = 60000,
};

struct app {
    struct service *service;
    struct batch_writer_config config;
    struct writer_shared shared;
    struct writer *writers[MOST_WRITERS];
    struct chores *chores;
    struct stream_keeper *stream_keeper;
    struct compactor *compactor;
    struct sequence_teller *sequence_teller;
};

static bool app_start(struct app *app, struct err *err)
{
    app->shared.config = &app->config;
    app->shared.bus = service_bus(app->service);
    app->shared.store = service_store(app->service);
    writer_metrics_init(&app->shared.metrics);
    if (app->config.service.store_pool < app->config.writers + 2)
        return err_set(err, ERR_CONFIG, "the pool of database sessions must hold WRITERS and two more");
    if (!chores_start(&app->chores, &app->shared, err))
        return false;
    for (int64_t i = 0; i < app->config.writers; i++)
        if (!writer_start(&app->writers[i], &app->shared, err))
            return false;
    return stream_keeper_start(&app->stream_keeper, &app->shared, err) &&
           compactor_start(&app->compactor, &app->shared, err) &&
           sequence_teller_start(&app->sequence_teller, &app->shared, err);
}

static void app_stop(struct app *app)
{
    atomic_store(&app->shared.is_stopping, true);
    for (size_t i = 0; i < COUNT_OF(app->writers); i++)
        writer_join(app->writers[i]);
    chores_stop(app->chores);
    stream_keeper_stop(app->stream_keeper);
    compactor_stop(app->compactor);
    sequence_teller_stop(app->sequence_teller);
}

int main(int argc, char **argv)
{
    struct app app = { 0 };
    struct err err = { 0 };
    bool ok = service_open(&app.service, &program, &app.config, argc, argv, &err) && app_start(&app, &err) &&
              service_run(app.service, &err);
    app_stop(&app);
    service_close(app.service);
    return service_exit(ok, &err);
}
