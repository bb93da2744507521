/* Bodies as they are kept with a refusal: their content type says all that is needed to read them again, whichever way
 * they came. Those of device_body.h, and those that are told apart by a path or a topic. */
#pragma once
#include "ingest/device_body.h"

#define KEPT_BODY_LINES "application/vnd.influx.line-protocol" /* "; precision=ms" */
#define KEPT_BODY_THINGSBOARD "application/vnd.thingsboard.telemetry+json"
#define KEPT_BODY_THINGSBOARD_GATEWAY "application/vnd.thingsboard.gateway+json"
#define KEPT_BODY_VALUE "text/plain; sensor=" /* the sensor behind it */
/* What names readings by what went before on the same connection, or is no body: kept, and never read again. */
#define KEPT_BODY_SPARKPLUG "application/x-sparkplug-b"
#define KEPT_BODY_MODBUS "application/vnd.nwims.modbus+json"

/* Whether kept_body_decode knows such bodies. */
bool kept_body_is_readable(const char *content_type);
/* As device_body_decode; body->content_type as it was kept. */
MUST_CHECK bool kept_body_decode(struct raw_readings *out_readings, struct arena *arena, struct directory *directory,
    const struct device_body *body, struct err *err);
