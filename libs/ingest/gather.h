/* Gathers the readings of many small messages into one batch a tenant and keeps many batches in flight: a publish for
 * each message would cost 100 us and more. Each message is told when the stream has stored its batch, not before. What
 * the stream does not take stays here and is sent again, with the same id; beyond most_held nothing more is taken, so
 * that pressure reaches the devices. For one thread (a loop of connections) at a time, except where said. */
#pragma once
#include "ingest/intake.h"

struct gather;
struct intake;
/* The caller's own words for a message: whom to tell. */
struct gather_ticket {
    uint64_t words[3];
};
struct gather_config {
    const char *protocol;  /* "mqtt", "tcp" */
    size_t most_readings;  /* of a batch, at most 20,000 */
    int64_t linger_ms;     /* so long a batch waits for company while another of its tenant is in flight */
    size_t most_in_flight; /* batches */
    size_t most_held;      /* readings that are here and not stored yet */
    /* In gather_turn: these messages are stored (err NULL), or can never be (ERR_INPUT, ERR_BUG: ours). */
    void (*settled)(void *context, const struct gather_ticket *tickets, size_t count, const struct err *err);
    /* On a thread of the bus: something has landed, gather_turn is wanted soon. */
    void (*wake)(void *context);
    void *context;
};
enum gather_outcome {
    GATHER_TAKEN,
    GATHER_FULL,      /* not taken: come again when gather_has_room */
    GATHER_DIFFICULT, /* not taken: a sensor is not in memory, or a reading is bad; intake_take knows what to do */
};

/* intake: its directory and time rules; borrowed, outlives the gather. */
MUST_CHECK bool gather_open(
    struct gather **out_gather, struct intake *intake, const struct gather_config *config, struct err *err);
/* What is not stored by then is dropped untold: its senders were not told that it is. */
void gather_close(struct gather *gather);
AUTO_DEFINE(gather, gather_close)
/* Takes all readings of a message or none; never waits. request: caller's tenant, device. ticket NULL: nobody to tell.
 * The arena is only used meanwhile. */
enum gather_outcome gather_put(struct gather *gather, const struct intake_request *request,
    const struct raw_readings *readings, const struct gather_ticket *ticket, struct arena *arena);
bool gather_has_room(const struct gather *gather);
/* Sends what is due, tells what has landed; gives in how many ms it wants to be called again, -1: not before wake. */
int64_t gather_turn(struct gather *gather);
/* Readings that are here and not stored. */
size_t gather_held(const struct gather *gather);
