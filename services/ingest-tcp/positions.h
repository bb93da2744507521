/* Up to where each connected device's records are stored. A position outlives its connection while frames of it are on
 * their way, so that a device that comes again at once is not asked for what is under way. Written through to the
 * stream before a device is told (position_store.h); of two replicas with the same device the one that it came to last
 * goes on. Any thread. */
#pragma once
#include "front/event_outlet.h"
#include "ingest/directory.h"
#include "message.h"
#include "net/net.h"
#include "position_store.h"

struct positions;
struct position;
struct position_state {
    uint64_t committed, received; /* records: told to the device when it asks; taken */
    uint64_t written;             /* the frames before this number are written */
    uint32_t frames;              /* taken and not written */
    bool has_untold_gaps;         /* position_tell_gaps after POSITION_TELL_MS */
    bool is_lost;                 /* another replica has the device, or it must begin anew */
};
enum { POSITION_TELL_MS = 1000 }; /* a device that loses records all the time is not to fill the stream of events */
/* On the holder's loop: something moved. */
typedef void position_moved(struct net_connection *connection, const struct position_state *state);

struct positions_config {
    struct bus *bus;
    struct net_server *server;
    struct event_outlet *events; /* which records are missing is told there */
    size_t threads;              /* that write */
    size_t most;                 /* positions, the devices that may be connected */
    position_moved *moved;
};
MUST_CHECK bool positions_open(
    struct positions **out_positions, const struct positions_config *config, struct err *err);
/* Ends the writing; what is settled and not written the devices send again. NULL is fine. */
void positions_stop(struct positions *positions);
/* When no connection, gather or worker has a position any more. */
void positions_close(struct positions *positions);

struct position_entry {
    struct position *position; /* the caller's until position_leave */
    struct position_state state;
    uint64_t missing; /* records that the device has lost since the last that we have */
};
/* On a worker: what the device says of its store against what is known of it; holder hears from now on. ERR_INPUT: its
 * numbers cannot be (BYE_EPOCH). ERR_LIMIT, ERR_TRANSIENT, ERR_DEADLINE: come again. */
MUST_CHECK bool positions_enter(struct positions *positions, const struct directory_device *device,
    const struct hello *hello, const struct net_handle *holder, struct position_entry *out_entry, struct err *err);
void position_leave(struct position *position);

/* On the holder's loop. */
void position_look(struct position *position, struct position_state *out_state);
/* What is missing and was not told yet, if the last time was long enough ago. */
void position_tell_gaps(struct position *position);
/* Whether any of these records has not been taken yet. */
bool position_may_lack(struct position *position, uint64_t first, uint64_t last);
/* A frame is taken; it is to be settled, taken back or abandoned once. False without memory, if the position is lost,
 * if holder does not have it any more, or if all of it was taken before. */
MUST_CHECK bool position_put(
    struct position *position, const struct net_handle *holder, uint64_t first, uint64_t last, uint64_t *out_number);
/* It was not taken after all. */
void position_take_back(struct position *position, uint64_t number);
/* The frame's records are stored, or refused for good. Any thread. */
void position_settle(struct position *position, uint64_t number);
/* They will never be: the device begins at what is committed, with a position of its own. Any thread. */
void position_abandon(struct position *position);
