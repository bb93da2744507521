/* What presence events say of each device, folded: many events become one row each. Does no I/O. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "nwims/v1/events.pb-c.h"

/* Times are microseconds since 1970, 0: not said; texts borrow from the events, NULL: not said. */
struct presence {
    int32_t tenant_id;
    const char *device_id;
    const char *protocol, *peer; /* of the newest event that says them */
    int64_t last_seen_at, last_reading_at;
    int64_t connected_at; /* the newest connection ... */
    const char *connection_id;
    int64_t disconnected_at; /* ... and the newest end of one */
    const char *ended_id, *reason;
    int64_t ready_at; /* since when it takes commands; 0: it did not say */
};
/* By tenant, then device. Events that name none, or are of no kind that is known, are passed over. ERR_LIMIT when the
 * arena is full. */
MUST_CHECK bool presence_fold(const Nwims__V1__DevicePresence *const *events, size_t count, struct arena *arena,
    struct presence **out_presences, size_t *out_count, struct err *err);

/* Whether a device counts as there now. period_s: the shortest reporting period of its sensors, 0: none. */
struct presence_state {
    bool holds_connection; /* its protocol does */
    bool is_connected;     /* its newest connection is not the one that ended */
    int64_t last_seen_at, disconnected_at;
    int64_t period_s;
};
bool presence_is_online(const struct presence_state *state, int64_t now_us);
/* ipv4, ipv4-private, ipv6, ipv6-private, loopback or other. */
const char *presence_address_kind(const char *address);
