/* Tells what is missing of a device's own sequence: events.<tenant>.gaps. */
#pragma once
#include "front/event_outlet.h"
#include "ingest/gap_event.h"

/* Any thread; never waits. */
void gap_report_tell(struct event_outlet *outlet, const struct gap_report *report);
