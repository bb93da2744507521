/* Which frames of records were received, which are settled, and up to where all are: in the order in which they came,
 * whichever is settled first. Without memory of its own while few. No I/O, no lock. */
#pragma once
#include "base/compiler.h"

struct track_frame {
    uint64_t last;   /* its last record */
    uint64_t before; /* the last record that was put before it */
    bool is_settled;
};
enum { TRACK_OWN = 4 };
struct track {
    struct track_frame own[TRACK_OWN];
    struct track_frame *grown; /* NULL: own is used; a power of two */
    uint32_t capacity, first, count;
    uint32_t settled_count; /* the oldest so many are settled */
    uint64_t first_number;  /* of the oldest that is there */
    uint64_t received;      /* the last record that was put */
    uint64_t settled;       /* every record up to this one is settled */
};
/* committed: where the device goes on after. */
void track_init(struct track *track, uint64_t committed);
void track_done(struct track *track);
/* Makes sure that the next put has room; false without memory. */
MUST_CHECK bool track_reserve(struct track *track);
/* Gives the number of the frame. */
uint64_t track_put(struct track *track, uint64_t last);
/* The newest frame was not taken after all; false if the number is not the newest frame's. */
MUST_CHECK bool track_take_back(struct track *track, uint64_t number);
/* True if settled moved. Numbers that are not there any more are passed over. */
bool track_settle(struct track *track, uint64_t number);
/* What is settled up to this record is done with. */
void track_forget(struct track *track, uint64_t committed);
/* Frames that are not settled. */
uint32_t track_open(const struct track *track);
