#include "service/streams.h"
#include "base/log.h"

#define DAYS_MS(days) ((int64_t)(days)*24 * 3600 * 1000)
#define MIB(count) ((int64_t)(count)*1024 * 1024)

enum { DUPLICATE_WINDOW_MS = 120000, ONCE_WINDOW_MS = 660000, SHRINK = 4, MOST_SHRUNK = 64 };

/* Up to where ingest-tcp has each device's records, one message a device. Several, because a server that syncs each
 * message takes those of one stream one after the other (docs/adr/0044-positions-are-spread-over-streams.md). */
#define POSITIONS_ROW(stream, subject)                                                                                 \
    {                                                                                                                  \
        .name = stream, .subjects = { subject }, .max_bytes = MIB(64), .duplicate_window_ms = DUPLICATE_WINDOW_MS,     \
        .is_latest = true                                                                                              \
    }

/* A full stream refuses, also where age clears it: what was refused is told to whoever sent it. JetStream sets the sum
 * of max_bytes aside from its max_file_store (7.8 GiB). READINGS loses nothing by age: batch-writer gives back the
 * room of what all its durable consumers have read (bus/bus_retention.h). */
static const struct bus_stream catalogue[] = {
    { .name = "READINGS",
        .subjects = { "readings.>" },
        .max_bytes = MIB(4096),
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
    POSITIONS_ROW("POSITIONS", "positions.>"),
    POSITIONS_ROW("POSITIONS-1", "positions-1.>"),
    POSITIONS_ROW("POSITIONS-2", "positions-2.>"),
    POSITIONS_ROW("POSITIONS-3", "positions-3.>"),
    /* What may happen once only is claimed here by its message id: the window is twice as long as a signed request is
     * fresh, whichever way its clock is off. */
    { .name = "ONCE",
        .subjects = { "once.>" },
        .max_bytes = MIB(64),
        .max_age_ms = ONCE_WINDOW_MS,
        .duplicate_window_ms = ONCE_WINDOW_MS },
    { .name = "DEAD",
        .subjects = { "dead.>" },
        .max_bytes = MIB(512),
        .max_age_ms = DAYS_MS(30),
        .max_message_bytes = MIB(8),
        .duplicate_window_ms = DUPLICATE_WINDOW_MS },
};

/* As wanted divided by divisor, but never so small that what is in it would go. */
static int64_t size_of(struct bus *bus, const struct bus_stream *stream, int64_t divisor)
{
    struct bus_stream_state state;
    struct err ignored = { 0 };
    bool exists = divisor > 1 && bus_stream_inspect(bus, stream->name, &state, &ignored);
    while (exists && divisor > 1 && state.bytes > (uint64_t)(stream->max_bytes / divisor / 2))
        divisor /= SHRINK;
    return stream->max_bytes / divisor;
}

static bool ensure_all(struct bus *bus, int64_t divisor, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(catalogue); i++) {
        struct bus_stream stream = catalogue[i];
        stream.max_bytes = size_of(bus, &stream, divisor);
        if (!bus_stream_ensure(bus, &stream, err))
            return err_wrap(err, "stream %s", stream.name);
    }
    return true;
}

/* On a server with little room (max_file_store is three quarters of the free disk unless set) small streams are better
 * than none. */
bool streams_ensure(struct bus *bus, struct err *err)
{
    for (int64_t divisor = 1; divisor <= MOST_SHRUNK; divisor *= SHRINK) {
        if (ensure_all(bus, divisor, err)) {
            if (divisor > 1)
                log_warn(NULL, "streams.are_small", LOG_COUNT("divided_by", divisor), LOG_ERR(err));
            *err = (struct err){ 0 };
            return true;
        }
        if (err->kind != ERR_CONFIG)
            return false;
    }
    return false;
}
