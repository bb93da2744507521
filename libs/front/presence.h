/* That a device came, went, or gave a sign of life: events.<tenant>.presence. */
#pragma once
#include "base/uuid.h"
#include "front/event_outlet.h"
#include "ingest/directory.h"

struct presence {
    const char *protocol; /* "mqtt", "tcp" */
    const char *kind;     /* connected, disconnected, seen, ready (it takes commands from now on) */
    const char *reason;   /* of disconnected: client, keep-alive, taken-over, revoked, drain, error */
    const char *peer;     /* without its port */
    const struct directory_device *device;
    const struct uuid *connection_id; /* of seen: NULL is fine */
    int64_t last_reading_at;          /* 0: none yet */
};
/* Any thread; never waits. */
void presence_tell(struct event_outlet *outlet, const struct presence *presence);
