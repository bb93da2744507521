#include "nwims/v1/history.pb-c.h"
#include "routes/routes.h"
#include "streams/batch_readings.h"

#define HISTORY &nwims__v1__history__descriptor

static const struct route routes[] = {
    { "POST", "/readings", "readings:write", NULL, NULL, 201, post_reading, &post_reading_manual },
    { "POST", "/readings/latest", "readings:read", HISTORY, "GetLatestOfMany", 200, NULL, NULL },
    { "GET", "/readings", "readings:read", HISTORY, "ListReadings", 200, .cache = CACHE_SERIES },
    { "GET", "/readings/aggregate", "readings:read", HISTORY, "GetAggregate", 200, .cache = CACHE_SERIES },
    { 0 },
};
const struct router readings_router = { "readings", "Single readings in; latest and aggregates out", routes };
