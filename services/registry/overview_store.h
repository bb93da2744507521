/* Counts over a tenant, or the part of it that the caller may see. Within the session's transaction, of one tenant. */
#pragma once
#include "work.h"

MUST_CHECK bool overview_store_count(
    struct work *work, bool without_households, Nwims__V1__NetworkCounts *reply, struct err *err);
/* At most 10,000 municipalities, by code. */
MUST_CHECK bool overview_store_map(struct work *work, Nwims__V1__MapReply *reply, struct err *err);
