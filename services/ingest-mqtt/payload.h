/* What a message holds: which codec reads it is decided by its topic, and on our own topics by its content type. Pure.
 */
#pragma once
#include "ingest/codec.h"
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
/* For REFUSED. */
const char *payload_content_type(const struct payload *payload);
/* The errors are those of the codecs. */
MUST_CHECK bool payload_decode(const struct payload *payload, struct raw_readings *out_readings, struct arena *arena,
    int64_t received_at_us, struct err *err);
