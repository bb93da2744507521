/* Which tenants there are. */
#pragma once
#include "bus/bus.h"

enum { WARM_MOST_TENANTS = 10000 };
/* Those that are active, at most WARM_MOST_TENANTS, allocated for the caller, who frees. */
MUST_CHECK bool tenants_list(struct bus *bus, int64_t call_ms, int32_t **out_ids, size_t *out_count, struct err *err);
