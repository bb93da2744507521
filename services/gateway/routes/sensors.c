#include "nwims/v1/detector.pb-c.h"
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "routes/routes.h"
#include "streams/import_rows.h"

#define REGISTRY &nwims__v1__registry__descriptor
#define HISTORY &nwims__v1__history__descriptor

static const struct route routes[] = {
    { "GET", "/sensors", "sensors:read", REGISTRY, "ListSensors", 200, .cache = CACHE_LIST },
    { "GET", "/sensors.geojson", "sensors:read", REGISTRY, "MapSensors", 200, .cache = CACHE_LIST,
        .media_type = "application/geo+json" },
    { "POST", "/sensors", "sensors:write", REGISTRY, "CreateSensor", 201, NULL, NULL },
    { "GET", "/sensors/{id}", "sensors:read", REGISTRY, "GetSensor", 200, .cache = CACHE_ENTITY },
    { "PATCH", "/sensors/{id}", "sensors:write", REGISTRY, "UpdateSensor", 200, NULL, NULL },
    { "GET", "/sensors/{id}/thresholds", "sensors:read", REGISTRY, "GetThresholds", 200, .cache = CACHE_ENTITY },
    { "PUT", "/sensors/{id}/thresholds", "sensors:write", REGISTRY, "PutThresholds", 200, NULL, NULL },
    { "DELETE", "/sensors/{id}", "sensors:delete", REGISTRY, "DeleteSensor", 204, NULL, NULL },
    { "GET", "/sensors/{id}/latest", "readings:read", HISTORY, "GetLatest", 200, .cache = CACHE_LATEST },
    { "GET", "/sensors/{id}/readings", "readings:read", HISTORY, "GetSeries", 200, .cache = CACHE_SERIES },
    { "GET", "/sensors/{id}/statistics", "readings:read", HISTORY, "GetStatistics", 200, .cache = CACHE_STATISTICS },
    { "GET", "/sensors/{id}/anomalies", "anomalies:read", &nwims__v1__detector__descriptor, "ListSensorAnomalies",
        200 },
    { "POST", "/sensors/import", "sensors:bulk", .success = 200, .handler = import_sensors,
        .manual = &import_sensors_manual },
    { 0 },
};
const struct router sensors_router = { "sensors", "What is measured, and its readings", routes };
