#include "nwims/v1/bulk.pb-c.h"
#include "nwims/v1/warmer.pb-c.h"
#include "routes/routes.h"
#include "streams/batch_readings.h"
#include "streams/bulk_alerts.h"
#include "streams/jobs.h"
#include "streams/sensors_update.h"

#define BULK &nwims__v1__registry_bulk__descriptor

static const struct route routes[] = {
    { "POST", "/batch/readings", "readings:write", NULL, NULL, 200, post_batch_readings, &post_batch_readings_manual },
    { "POST", "/batch/sensors/update", "sensors:bulk", .success = 200, .handler = post_sensors_update,
        .manual = &post_sensors_update_manual },
    { "POST", "/batch/alerts/resolve", "alerts:write", .success = 200, .handler = post_alerts_resolve,
        .manual = &post_alerts_resolve_manual },
    { "POST", "/batch/alerts/acknowledge", "alerts:write", .success = 200, .handler = post_alerts_acknowledge,
        .manual = &post_alerts_acknowledge_manual },
    { "GET", "/batch", PERMISSION_ANY, BULK, "ListJobs", 200, NULL, NULL },
    { "GET", "/batch/{id}", PERMISSION_ANY, .success = 200, .handler = get_job, .manual = &get_job_manual },
    { "GET", "/batch/{id}/failed", PERMISSION_ANY, .success = 200, .handler = get_job_failures,
        .manual = &get_job_failures_manual },
    { "POST", "/batch/{id}/cancel", "batch:write", .success = 200, .handler = post_job_cancel,
        .manual = &post_job_cancel_manual },
    { "POST", "/batch/{id}/tokens", "devices:write", .success = 200, .handler = post_job_tokens,
        .manual = &post_job_tokens_manual },
    { "POST", "/batch/cache/warm", "cache:write", &nwims__v1__cache_warmer__descriptor, "WarmCache", 200 },
    { 0 },
};
const struct router batch_router = { "batch", "Many at once, all or nothing", routes };
