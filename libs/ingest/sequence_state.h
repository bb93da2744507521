/* What is known of a device's own sequence whose records are acknowledged one by one (MQTT, HTTP), not up to a number
 * as with NWT/1: where it stands, and what is missing below. Records may come in any order and more than once; a
 * device whose store was wiped begins its numbers anew without saying so. Does no I/O. */
#pragma once
#include "ingest/sequence_gaps.h"
#include "ingest/sequence_mark.h"

/* Zeroed: nothing is known yet; what was before the first record that is seen is not missed. */
struct sequence_state {
    bool is_known;
    uint64_t epoch; /* how often the numbers began anew */
    uint64_t high;  /* the highest that came */
    int64_t high_at;
    bool has_high_at;
    struct sequence_gaps gaps;
};
/* In the order in which they came. True if what is missing has changed. */
bool sequence_state_take(struct sequence_state *state, const struct sequence_mark *mark);
