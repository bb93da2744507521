/* What is missing of a device's own sequence: events.<tenant>.gaps. */
#pragma once
#include "front/event_outlet.h"
#include "ingest/sequence_gaps.h"
#include "nwims/v1/common.pb-c.h"

struct gap_report {
    int32_t tenant_id;
    const char *device_id;
    const char *protocol;
    uint64_t epoch;
    const struct sequence_gaps *gaps;
};
/* Any thread; never waits. */
void gap_report_tell(struct event_outlet *outlet, const struct gap_report *report);
/* The open ranges as a message has them. */
struct gap_ranges {
    Nwims__V1__SequenceRange items[SEQUENCE_GAPS], *pointers[SEQUENCE_GAPS];
};
void gap_ranges_fill(struct gap_ranges *ranges, const struct sequence_gaps *gaps);
