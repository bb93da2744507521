/* Which time a reading gets: its own if that can be believed, else when we took it, marked. Inside libs/ingest only. */
#pragma once
#include "ingest/intake.h"

/* Milliseconds since the epoch, or seconds if less than 1e11 (which in milliseconds would be before March 1973); false
 * outside the years 1 to 9999. */
MUST_CHECK bool time_of_number(double number, int64_t *out_us);
/* Seconds since the epoch. */
MUST_CHECK bool time_of_seconds(double seconds, int64_t *out_us);

struct timing {
    int64_t observed_at;
    uint32_t flags;
    bool is_uncertain;
    bool is_ours; /* observed_at is the time we took it */
};
/* NULL and *out_timing, or why the reading cannot be taken with this time. */
const char *time_rule_apply(const struct intake_config *config, const struct raw_reading *reading, int64_t received_at,
    struct timing *out_timing);
