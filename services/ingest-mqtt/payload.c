#include "payload.h"
#include "base/text.h"
#include "ingest/body_codec.h"
#include <string.h>

enum { LONGEST_TYPE = 100 };

bool payload_has_readings(enum topic_kind kind)
{
    return kind == TOPIC_READINGS || kind == TOPIC_READING || kind == TOPIC_TB_TELEMETRY || kind == TOPIC_TB_GATEWAY ||
           kind == TOPIC_SPARKPLUG;
}

/* By the content type that the device declared; NULL: it declared none, or none that there is. */
static const struct body_codec *declared(const struct payload *payload)
{
    char type[LONGEST_TYPE + 1];
    if (payload->topic.kind != TOPIC_READINGS || payload->content_type.length == 0 ||
        !text_copy(type, sizeof type, payload->content_type.bytes, payload->content_type.length))
        return NULL;
    return body_codec_find(type);
}

const char *payload_content_type(const struct payload *payload)
{
    const struct body_codec *codec = declared(payload);
    switch (payload->topic.kind) {
    case TOPIC_READING:
        return "text/plain";
    case TOPIC_SPARKPLUG:
        return "application/x-sparkplug-b";
    default:
        return codec ? codec->media_type : "application/json";
    }
}

static bool decode_own(const struct payload *payload, struct raw_readings *out_readings, struct arena *arena,
    int64_t received_at_us, struct err *err)
{
    const struct body_codec *codec = declared(payload);
    if (payload->content_type.length > 0 && !codec)
        return err_set(err, ERR_INPUT, "the content type is none of " BODY_CODEC_TYPES);
    if (!codec || strcmp(codec->media_type, "application/json") == 0) /* which has the compact form beside the API's */
        return codec_device_json_decode(out_readings, arena, payload->bytes.bytes, payload->bytes.length, err);
    return codec->decode(out_readings, arena, payload->bytes.bytes, payload->bytes.length, received_at_us, err);
}

static bool decode_sparkplug(
    const struct payload *payload, struct raw_readings *out_readings, struct arena *arena, struct err *err)
{
    struct sparkplug_topic topic;
    struct sparkplug_message message;
    if (!sparkplug_topic_read(&topic, &payload->topic.name))
        return err_set(err, ERR_INPUT, "the topic is none of Sparkplug B");
    if (!sparkplug_read(&message, payload->names, &topic, &payload->bytes, arena, err))
        return false;
    *out_readings = message.readings;
    return true;
}

bool payload_decode(const struct payload *payload, struct raw_readings *out_readings, struct arena *arena,
    int64_t received_at_us, struct err *err)
{
    const char *bytes = payload->bytes.bytes;
    size_t size = payload->bytes.length;
    switch (payload->topic.kind) {
    case TOPIC_READINGS:
        return decode_own(payload, out_readings, arena, received_at_us, err);
    case TOPIC_READING:
        return codec_bare_decode(
            out_readings, arena, payload->topic.name.bytes, payload->topic.name.length, bytes, size, err);
    case TOPIC_TB_TELEMETRY:
        return codec_thingsboard_json_decode(out_readings, arena, bytes, size, err);
    case TOPIC_TB_GATEWAY:
        return codec_thingsboard_gateway_decode(out_readings, arena, bytes, size, err);
    case TOPIC_SPARKPLUG:
        return decode_sparkplug(payload, out_readings, arena, err);
    default:
        return err_set(err, ERR_BUG, "a topic without readings");
    }
}
