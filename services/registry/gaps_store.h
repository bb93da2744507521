/* What is missing of devices' own sequences, in SQL: taken from events.<tenant>.gaps in groups, and read for one
 * device. */
#pragma once
#include "nwims/v1/events.pb-c.h"
#include "work.h"

/* Events that name no device of theirs are passed over. Doing it twice is doing it once. */
MUST_CHECK bool gaps_store_take(
    struct registry *registry, const Nwims__V1__DeviceGaps *const *events, size_t count, struct err *err);
/* Fills status->sequence if there ever was anything missing. */
MUST_CHECK bool gaps_store_status(struct work *work, Nwims__V1__DeviceStatus *status, struct err *err);
