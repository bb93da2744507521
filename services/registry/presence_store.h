/* Presence of devices in SQL: taken in groups, and read for one device. */
#pragma once
#include "presence.h"
#include "work.h"

/* What waits for the devices that take commands now is told again in the same transaction; several tenants are several
 * transactions. Doing it twice is doing it once. */
MUST_CHECK bool presence_store_take(
    struct registry *registry, const struct presence *presences, size_t count, struct arena *arena, struct err *err);
/* Fills what is known of a device that is there; presence and sensors. */
MUST_CHECK bool presence_store_status(
    struct work *work, const Nwims__V1__Device *device, Nwims__V1__DeviceStatus *status, struct err *err);
