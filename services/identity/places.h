/* Regions and municipalities that a role or a key is to hold in: the registry knows which there are. */
#pragma once
#include "identity.h"

/* Ids of one request, and what their fields are called in it. */
struct places {
    const char *region_field, *municipality_field;
    const char *const *region_ids;
    size_t region_count;
    const char *const *municipality_ids;
    size_t municipality_count;
};
/* Outside of any transaction, since it waits for the registry. ERR_INPUT with a violation if the caller's tenant does
 * not have one of them; ERR_TRANSIENT if the registry is away. Ids are UUIDs. */
MUST_CHECK bool places_check(
    const struct identity *identity, struct rpc_call *call, const struct places *places, struct err *err);
