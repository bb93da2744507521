/* Devices in SQL, within the session's transaction. */
#pragma once
#include "work.h"

MUST_CHECK bool device_store_create(
    struct work *work, const Nwims__V1__Device *device, Nwims__V1__Device *out_device, struct err *err);
/* Changes what is there in the request of the one that work->key names. */
MUST_CHECK bool device_store_update(
    struct work *work, const Nwims__V1__Device *device, Nwims__V1__Device *out_device, struct err *err);
