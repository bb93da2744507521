#include "front/gap_report.h"
#include "base/clock.h"
#include "nwims/v1/events.pb-c.h"

void gap_ranges_fill(struct gap_ranges *ranges, const struct sequence_gaps *gaps)
{
    for (uint32_t i = 0; i < gaps->count; i++) {
        Nwims__V1__SequenceRange *range = ranges->pointers[i] = &ranges->items[i];
        *range = (Nwims__V1__SequenceRange)NWIMS__V1__SEQUENCE_RANGE__INIT;
        range->has_first = range->has_last = true;
        range->first = gaps->open[i].first;
        range->last = gaps->open[i].last;
    }
}

void gap_report_tell(struct event_outlet *outlet, const struct gap_report *report)
{
    Nwims__V1__DeviceGaps event = NWIMS__V1__DEVICE_GAPS__INIT;
    const struct sequence_gaps *gaps = report->gaps;
    struct gap_ranges ranges;
    gap_ranges_fill(&ranges, gaps);
    event.has_tenant_id = event.has_epoch = event.has_at = true;
    event.has_missed = event.has_late = event.has_forgotten = true;
    event.tenant_id = report->tenant_id;
    event.device_id = (char *)(uintptr_t)report->device_id;
    event.protocol = (char *)(uintptr_t)report->protocol;
    event.epoch = report->epoch;
    event.at = clock_now_us();
    event.n_missing = gaps->count;
    event.missing = ranges.pointers;
    event.missed = gaps->missed;
    event.late = gaps->late;
    event.forgotten = gaps->forgotten;
    event_outlet_put(outlet, report->tenant_id, "gaps", &event.base);
}
