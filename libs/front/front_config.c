#include "front/front_config.h"

enum { PUBLISH_MS = 5000, ABSENT_MS = 2000, KEEP_MS = 60000, OUTPUT_BYTES = 64 * 1024 };

struct net_config front_net_config(const struct front_config *config, const char *name)
{
    return (struct net_config){ .name = name,
        .loops = (int)config->loops,
        .most_connections = (size_t)config->most_connections,
        .most_unestablished = (size_t)config->most_logins,
        .admit_a_second = config->admit_a_second,
        .establish_ms = config->login_ms,
        .stall_ms = config->stall_ms,
        .most_output_bytes = OUTPUT_BYTES };
}

struct gather_config front_gather_config(const struct front_config *config, const char *protocol)
{
    return (struct gather_config){ .protocol = protocol,
        .most_readings = (size_t)config->batch_max_readings,
        .linger_ms = config->batch_linger_ms,
        .most_in_flight = (size_t)config->batches_in_flight,
        .most_held = (size_t)config->most_held };
}

bool front_ingest_open(const struct front_config *config, struct bus *bus, struct directory **out_directory,
    struct intake **out_intake, struct failure_gate **out_failures, struct err *err)
{
    const struct directory_config directory = { .most_sensors = (size_t)config->directory_sensors,
        .most_credentials = (size_t)config->directory_credentials,
        .absent_ms = ABSENT_MS,
        .keep_ms = KEEP_MS };
    const struct intake_config intake = { .oldest_at = INTAKE_DEVICES_OLDEST_AT,
        .future_ms = config->future_ms,
        .keep_future = true,
        .publish_ms = PUBLISH_MS };
    *out_failures = failure_gate_new(config->failures_a_minute);
    if (!*out_failures)
        return err_set(err, ERR_LIMIT, "no memory to start");
    return directory_open(out_directory, bus, &directory, err) &&
           intake_open(out_intake, bus, *out_directory, &intake, err);
}
