#include "ingest/gap_event.h"
#include "base/clock.h"

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

bool gap_ranges_read(struct sequence_gaps *gaps, Nwims__V1__SequenceRange *const *ranges, size_t count)
{
    uint64_t before = 0;
    gaps->count = 0;
    for (size_t i = 0; i < count; i++) {
        const Nwims__V1__SequenceRange *range = ranges[i];
        if (gaps->count == SEQUENCE_GAPS || (i > 0 && range->first <= before) || range->last < range->first)
            return false;
        gaps->open[gaps->count++] = (struct sequence_range){ range->first, range->last };
        before = range->last;
    }
    return true;
}

void gap_event_fill(Nwims__V1__DeviceGaps *event, struct gap_ranges *ranges, const struct gap_report *report)
{
    const struct sequence_gaps *gaps = report->gaps;
    *event = (Nwims__V1__DeviceGaps)NWIMS__V1__DEVICE_GAPS__INIT;
    gap_ranges_fill(ranges, gaps);
    event->has_tenant_id = event->has_epoch = event->has_at = true;
    event->has_missed = event->has_late = event->has_forgotten = true;
    event->tenant_id = report->tenant_id;
    event->device_id = (char *)(uintptr_t)report->device_id;
    event->protocol = (char *)(uintptr_t)report->protocol;
    event->epoch = report->epoch;
    event->at = clock_now_us();
    event->n_missing = gaps->count;
    event->missing = ranges->pointers;
    event->missed = gaps->missed;
    event->late = gaps->late;
    event->forgotten = gaps->forgotten;
}
