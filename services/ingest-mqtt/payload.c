#include "payload.h"
#include "base/text.h"

enum { LONGEST_TYPE = 100 };

bool payload_has_readings(enum topic_kind kind)
{
    return kind == TOPIC_READINGS || kind == TOPIC_RAW || kind == TOPIC_READING || kind == TOPIC_TB_TELEMETRY ||
           kind == TOPIC_TB_GATEWAY || kind == TOPIC_SPARKPLUG;
}

/* NULL: the device declared one, and it is none of those that there are. */
static const char *declared(const struct payload *payload)
{
    char type[LONGEST_TYPE + 1];
    if (payload->topic.kind == TOPIC_RAW)
        return DEVICE_BODY_PROFILED;
    if (payload->content_type.length == 0)
        return device_body_type(NULL);
    return text_copy(type, sizeof type, payload->content_type.bytes, payload->content_type.length)
               ? device_body_type(type)
               : NULL;
}

const char *payload_content_type(const struct payload *payload, struct arena *arena)
{
    const struct mqtt_text *name = &payload->topic.name;
    switch (payload->topic.kind) {
    case TOPIC_READING:
        return arena_printf(arena, KEPT_BODY_VALUE "%.*s", (int)name->length, name->bytes);
    case TOPIC_TB_TELEMETRY:
        return KEPT_BODY_THINGSBOARD;
    case TOPIC_TB_GATEWAY:
        return KEPT_BODY_THINGSBOARD_GATEWAY;
    case TOPIC_SPARKPLUG:
        return KEPT_BODY_SPARKPLUG;
    default:
        return declared(payload);
    }
}

static bool decode_own(const struct payload *payload, const struct payload_origin *origin,
    struct raw_readings *out_readings, struct arena *arena, struct err *err)
{
    const struct device_body body = { .device = origin->device,
        .content_type = declared(payload),
        .bytes = payload->bytes.bytes,
        .size = payload->bytes.length,
        .received_at = origin->received_at,
        .from_memory = origin->from_memory };
    if (!body.content_type)
        return err_set(err, ERR_INPUT, "the content type is none of " DEVICE_BODY_TYPES);
    return device_body_decode(out_readings, arena, origin->directory, &body, err);
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

bool payload_decode(const struct payload *payload, const struct payload_origin *origin,
    struct raw_readings *out_readings, struct arena *arena, struct err *err)
{
    const char *bytes = payload->bytes.bytes;
    size_t size = payload->bytes.length;
    switch (payload->topic.kind) {
    case TOPIC_READINGS:
    case TOPIC_RAW:
        return decode_own(payload, origin, out_readings, arena, err);
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
