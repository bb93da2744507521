#include "service/streams.h"

#define DAYS_MS(days) ((int64_t)(days) * 24 * 3600 * 1000)
#define MIB(count) ((int64_t)(count) * 1024 * 1024)

enum { DUPLICATE_WINDOW_MS = 120000 };

/* The sum of max_bytes must fit the server's JetStream max_file_store. A full stream refuses: what was refused is told to whoever sent it. */
static const struct bus_stream catalogue[] = {
    { .name = "READINGS", .subjects = { "readings.>" }, .max_bytes = MIB(4096), .max_age_ms = DAYS_MS(3), .max_message_bytes = MIB(8), .duplicate_window_ms = DUPLICATE_WINDOW_MS },
    { .name = "REFUSED", .subjects = { "refused.>" }, .max_bytes = MIB(1024), .max_age_ms = DAYS_MS(30), .duplicate_window_ms = DUPLICATE_WINDOW_MS },
    { .name = "EVENTS", .subjects = { "events.>" }, .max_bytes = MIB(1024), .max_age_ms = DAYS_MS(7), .duplicate_window_ms = DUPLICATE_WINDOW_MS },
    { .name = "AUDIT", .subjects = { "audit.>" }, .max_bytes = MIB(512), .duplicate_window_ms = DUPLICATE_WINDOW_MS, .is_work_queue = true },
    { .name = "NOTIFY", .subjects = { "notify.>" }, .max_bytes = MIB(512), .duplicate_window_ms = DUPLICATE_WINDOW_MS, .is_work_queue = true },
    { .name = "DEAD", .subjects = { "dead.>" }, .max_bytes = MIB(512), .max_age_ms = DAYS_MS(30), .max_message_bytes = MIB(8), .duplicate_window_ms = DUPLICATE_WINDOW_MS },
};

bool streams_ensure(struct bus *bus, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(catalogue); i++)
        if (!bus_stream_ensure(bus, &catalogue[i], err))
            return err_wrap(err, "stream %s", catalogue[i].name);
    return true;
}
