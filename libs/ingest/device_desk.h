/* For devices that hold no connection but come by themselves (HTTP, CoAP): when each was here last, and the commands
 * that wait for it. In memory, kept by the registry's events; the registry is asked once a device, when it comes for
 * the first time or after the bus was away. A command is given out at each visit until the device says what became of
 * it. Any thread. */
#pragma once
#include "bus/bus.h"
#include "ingest/directory.h"

struct device_desk;
struct device_desk_config {
    const char *protocol;  /* of the devices; commands of others are others' */
    size_t most_devices;   /* beyond it all are forgotten, and met anew */
    int64_t seen_every_ms; /* how often a device that is here is told of, at most */
};
MUST_CHECK bool device_desk_open(
    struct device_desk **out_desk, struct bus *bus, const struct device_desk_config *config, struct err *err);
void device_desk_close(struct device_desk *desk);
AUTO_DEFINE(device_desk, device_desk_close)

/* The device is here: tells of it when that is due, and learns what waits for it when that is not known. What fails is
 * counted and done at the next visit. Takes two round trips the first time, else mostly none. */
void device_desk_greet(
    struct device_desk *desk, const struct directory_device *device, const char *peer, struct arena *arena);

struct desk_command {
    char *id, *name;
    char *payload; /* JSON object, or NULL */
    int64_t expires_at;
};
enum { DESK_MOST_AT_ONCE = 8, DESK_MOST_BYTES_AT_ONCE = 64 * 1024 };
/* The oldest that are in time, copied into the arena; 0 also when it is full. Each is told to be sent. */
MUST_CHECK size_t device_desk_commands(struct device_desk *desk, const struct directory_device *device,
    struct arena *arena, struct desk_command out_commands[DESK_MOST_AT_ONCE]);
/* What the device says became of a command (state: acknowledged or failed; result: JSON or other text, NULL: none):
 * stored by the stream when this returns true, and not given out any more. ERR_INPUT if the id is none or the result
 * too long; ERR_TRANSIENT and the like: the device says it again. */
MUST_CHECK bool device_desk_settle(struct device_desk *desk, const struct directory_device *device,
    const char *command_id, const char *state, const char *result, struct err *err);
