/* What is missing of a device's own sequence, as messages have it. */
#pragma once
#include "ingest/sequence_gaps.h"
#include "nwims/v1/common.pb-c.h"
#include "nwims/v1/events.pb-c.h"

/* The open ranges; a message that is filled from them points there. */
struct gap_ranges {
    Nwims__V1__SequenceRange items[SEQUENCE_GAPS], *pointers[SEQUENCE_GAPS];
};
void gap_ranges_fill(struct gap_ranges *ranges, const struct sequence_gaps *gaps);
/* False if they are too many, or not ascending. The counts of gaps stay. */
MUST_CHECK bool gap_ranges_read(struct sequence_gaps *gaps, Nwims__V1__SequenceRange *const *ranges, size_t count);

struct gap_report {
    int32_t tenant_id;
    const char *device_id;
    const char *protocol;
    uint64_t epoch;
    const struct sequence_gaps *gaps;
};
/* events.<tenant>.gaps, as of now; points into report and ranges. */
void gap_event_fill(Nwims__V1__DeviceGaps *event, struct gap_ranges *ranges, const struct gap_report *report);
