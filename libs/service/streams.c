#include "service/streams.h"
#include "base/log.h"

#define DAYS_MS(days) ((int64_t)(days)*24 * 3600 * 1000)
#define MIB(count) ((int64_t)(count)*1024 * 1024)

enum { DUPLICATE_WINDOW_MS = 120000 };

/* A full stream refuses, also where age clears it: what was refused is told to whoever sent it. JetStream sets the sum
 * of max_bytes aside from its max_file_store (7.5 GiB). READINGS goes by age only as a last resort: long before that it
 * is full and refuses. */
static const struct bus_stream catalogue[] = {
    { .name = "READINGS",
        .subjects = { "readings.>" },
        .max_bytes = MIB(4096),
        .max_age_ms = DAYS_MS(3),
        .max_message_bytes = MIB(8),
        .duplicate_window_ms = DUPLICATE_WINDOW_MS },
    { .name = "REFUSED",
        .subjects = { "refused.>" },
        .max_bytes = MIB(1024),
        .max_age_ms = DAYS_MS(30),
        .duplicate_window_ms = DUPLICATE_WINDOW_MS },
    { .name = "EVENTS",
        .subjects = { "events.>" },
        .max_bytes = MIB(1024),
        .max_age_ms = DAYS_MS(7),
        .duplicate_window_ms = DUPLICATE_WINDOW_MS },
    { .name = "AUDIT",
        .subjects = { "audit.>" },
        .max_bytes = MIB(512),
        .duplicate_window_ms = DUPLICATE_WINDOW_MS,
        .is_work_queue = true },
    { .name = "NOTIFY",
        .subjects = { "notify.>" },
        .max_bytes = MIB(512),
        .duplicate_window_ms = DUPLICATE_WINDOW_MS,
        .is_work_queue = true },
    { .name = "DEAD",
        .subjects = { "dead.>" },
        .max_bytes = MIB(512),
        .max_age_ms = DAYS_MS(30),
        .max_message_bytes = MIB(8),
        .duplicate_window_ms = DUPLICATE_WINDOW_MS },
};

/* On a server with little room (max_file_store is three quarters of the free disk unless set) a smaller stream is
 * better than none. */
static bool ensure(struct bus *bus, const struct bus_stream *wanted, struct err *err)
{
    static const int64_t divisors[] = { 1, 4, 16, 64 };
    for (size_t i = 0; i < COUNT_OF(divisors); i++) {
        struct bus_stream stream = *wanted;
        stream.max_bytes = wanted->max_bytes / divisors[i];
        if (bus_stream_ensure(bus, &stream, err)) {
            if (i > 0)
                log_warn(NULL, "stream.is_small", LOG_TEXT("stream", stream.name), LOG_COUNT("bytes", stream.max_bytes),
                    LOG_COUNT("wanted_bytes", wanted->max_bytes), LOG_ERR(err));
            *err = (struct err){ 0 };
            return true;
        }
        if (err->kind != ERR_CONFIG)
            return false;
    }
    return false;
}

bool streams_ensure(struct bus *bus, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(catalogue); i++)
        if (!ensure(bus, &catalogue[i], err))
            return err_wrap(err, "stream %s", catalogue[i].name);
    return true;
}
