/* One device that is asked: its profile, its connection, what came of it. */
#pragma once
#include "base/arena.h"
#include "front/event_outlet.h"
#include "front/workers.h"
#include "ingest/intake.h"
#include "modbus_line.h"
#include "networks.h"
#include "position_store.h"
#include <stdatomic.h>

struct poller;
struct polled_device {
    struct poller *poller;
    struct job job;
    struct directory_device device; /* tenant and id */
    char *configuration;
    struct modbus_profile *profile; /* NULL: what the configuration says cannot be */
    struct modbus_line *line;       /* NULL: not connected since the last failure */
    /* of the list: under the poller's lock */
    bool is_listed, is_busy;
    int64_t due_us; /* monotonic */
    /* of who asks it just now */
    unsigned failures; /* in a row */
    bool was_reached;
    uint64_t lease_sequence;
    int64_t lease_us; /* when it was written; 0: we have none */
    int64_t seen_us;
    struct uuid connection_id;
};
struct poll_context {
    struct bus *bus;
    struct intake *intake;
    struct event_outlet *events;
    const struct networks *networks;
    struct uuid owner; /* we */
    atomic_bool *is_closing;
};
enum poll_outcome {
    POLL_DONE,
    POLL_OTHERS,    /* another replica asks it */
    POLL_SILENT,    /* it does not answer      */
    POLL_REFUSED,   /* it has no such registers */
    POLL_FORBIDDEN, /* its address may not be reached, or its configuration is none */
    POLL_UNSTORED,  /* its readings found no place until the next were due */
    POLL_OUTCOMES
};
/* Asks it once; waits. err says what went wrong. */
enum poll_outcome poll_device(
    const struct poll_context *context, struct polled_device *device, struct arena *arena, struct err *err);
void polled_device_free(struct polled_device *device);
