/* Which codec reads a body, by its Content-Type: the one table for every way in that carries media types. */
#pragma once
#include "ingest/codec.h"

struct body_codec {
    const char *media_type;
    const char *fault; /* what a body that it cannot read is called: "malformed-json" */
    bool (*decode)(struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size,
        int64_t received_at_us, struct err *err);
};
/* Parameters ("; charset=utf-8") aside, NULL counts as application/json; NULL if there is none. */
const struct body_codec *body_codec_find(const char *content_type);
/* The media types, for messages and for OpenAPI. */
#define BODY_CODEC_TYPES_LISTED                                                                                        \
    "application/json|application/senml+json|application/senml+cbor|application/cbor|application/x-ndjson|text/csv|"   \
    "application/x-protobuf"
#define BODY_CODEC_TYPES                                                                                               \
    "application/json, application/senml+json, application/senml+cbor, application/cbor, application/x-ndjson, "       \
    "text/csv or application/x-protobuf"
