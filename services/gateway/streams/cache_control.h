/* What administrators do to the cache. GET and PUT /cache/policies: how long answers of each class are kept, at every
 * gateway. POST /cache/invalidate: what is cached of the caller's tenant is worthless from now on, at every gateway. */
#pragma once
#include "route.h"

exchange_handler get_cache_policies, put_cache_policies, post_cache_invalidate;
extern const struct hand_written get_cache_policies_manual, put_cache_policies_manual, post_cache_invalidate_manual;
