#include "front/gap_report.h"

void gap_report_tell(struct event_outlet *outlet, const struct gap_report *report)
{
    Nwims__V1__DeviceGaps event;
    struct gap_ranges ranges;
    gap_event_fill(&event, &ranges, report);
    event_outlet_put(outlet, report->tenant_id, "gaps", &event.base);
}
