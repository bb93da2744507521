/* Which frames of records were received, which are settled, and up to where all are: in the order in which they came,
 * whichever is settled first; and which records are missing between those that are settled. Without memory of its own
 * while few. No I/O, no lock. */
#pragma once
#include "ingest/sequence_gaps.h"

struct track_frame {
    uint64_t first, last; /* its records */
    uint64_t before;      /* the last record that was put before it */
    bool is_settled;
};
enum { TRACK_OWN = 4 };
struct track {
    struct track_frame own[TRACK_OWN];
    struct track_frame *grown; /* NULL: own is used; a power of two */
    uint32_t capacity, first, count;
    uint32_t settled_count;    /* the oldest so many are settled */
    uint64_t first_number;     /* of the oldest that is there */
    uint64_t received;         /* the highest record that was put */
    uint64_t settled;          /* every record up to this one is settled, but for ... */
    struct sequence_gaps gaps; /* ... those that never came */
};
/* committed: where the device goes on after. gaps: what is missing before it. */
void track_init(struct track *track, uint64_t committed, const struct sequence_gaps *gaps);
void track_done(struct track *track);
/* Makes sure that the next put has room; false without memory. */
MUST_CHECK bool track_reserve(struct track *track);
/* Whether any of these records has not been put yet. */
bool track_may_lack(const struct track *track, uint64_t first, uint64_t last);
/* Gives the number of the frame. */
uint64_t track_put(struct track *track, uint64_t first, uint64_t last);
/* The newest frame was not taken after all; false if the number is not the newest frame's. */
MUST_CHECK bool track_take_back(struct track *track, uint64_t number);
/* True if all frames before more of them are settled now. Numbers that are not there any more are passed over. */
bool track_settle(struct track *track, uint64_t number);
/* Every frame before this one is settled. */
uint64_t track_settled_before(const struct track *track);
/* What is settled of the frames before this one is done with. */
void track_forget(struct track *track, uint64_t number);
/* Frames that are not settled. */
uint32_t track_open(const struct track *track);
