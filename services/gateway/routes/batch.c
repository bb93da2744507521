#include "routes/routes.h"
#include "streams/batch_readings.h"

static const struct route routes[] = {
    { "POST", "/batch/readings", "readings:write", NULL, NULL, 200, post_batch_readings, &post_batch_readings_manual },
    { 0 },
};
const struct router batch_router = { "batch", "Many at once, all or nothing", routes };
