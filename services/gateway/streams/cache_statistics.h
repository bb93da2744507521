/* GET /cache/statistics: how the cache does, over every gateway. */
#pragma once
#include "route.h"

exchange_handler get_cache_statistics;
extern const struct hand_written get_cache_statistics_manual;
