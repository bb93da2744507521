/* What a message holds: which codec reads it is decided by its topic, and on our own topics by its content type. */
#pragma once
#include "ingest/kept_body.h"
#include "sparkplug.h"
#include "topic.h"

struct payload {
    struct topic topic;
    struct mqtt_text content_type; /* of version 5; absent else */
    struct mqtt_text bytes;
    struct sparkplug_names *names; /* of TOPIC_SPARKPLUG; borrowed */
};
/* Whether messages on such a topic hold readings. */
bool payload_has_readings(enum topic_kind kind);
/* For REFUSED, as kept_body.h has it; in the arena. */
const char *payload_content_type(const struct payload *payload, struct arena *arena);
/* Who sent it and when, and whether the directory may ask for what it lacks. */
struct payload_origin {
    struct directory *directory;
    const struct directory_device *device;
    int64_t received_at;
    bool from_memory;
};
/* The errors are those of device_body_decode. */
MUST_CHECK bool payload_decode(const struct payload *payload, const struct payload_origin *origin,
    struct raw_readings *out_readings, struct arena *arena, struct err *err);
