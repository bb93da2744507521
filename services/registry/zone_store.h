/* Zones in SQL, within the session's transaction. */
#pragma once
#include "work.h"

MUST_CHECK bool zone_store_create(
    struct work *work, const Nwims__V1__Zone *zone, Nwims__V1__Zone *out_zone, struct err *err);
/* Changes what is there in the request of the one that work->key names. */
MUST_CHECK bool zone_store_update(
    struct work *work, const Nwims__V1__Zone *zone, Nwims__V1__Zone *out_zone, struct err *err);
