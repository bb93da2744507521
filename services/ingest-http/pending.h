/* Commands that wait for devices which hold no connection: told by the registry's events as they are made and as they
 * end, asked for once of each device when this process first hears of it, and again once a minute while there are any.
 * Bounded: what finds no room the registry tells again. Any thread. */
#pragma once
#include "base/uuid.h"
#include "ingest/directory.h"

struct pending;
MUST_CHECK bool pending_open(struct pending **out_pending, struct bus *bus, size_t most_devices, struct err *err);
void pending_close(struct pending *pending);
struct pending_command {
    char id[UUID_TEXT_SIZE];
    const char *name, *payload; /* in the arena; payload JSON */
    int64_t expires_at;         /* 0: never */
    bool is_first;              /* not given out before */
};
/* What waits for the device, at most so many; the rest in its next answer. May ask the registry; what it cannot say
 * just now waits, too. */
size_t pending_take(struct pending *pending, const struct directory_device *device, struct arena *arena,
    struct pending_command *out_commands, size_t most);
/* The device has answered: it is not told again. */
void pending_forget(struct pending *pending, const char *device_id, const char *command_id);
