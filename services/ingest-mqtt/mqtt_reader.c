#include "mqtt_reader.h"
#include "base/text.h"
#include <string.h>

void mqtt_reader_fail(struct mqtt_reader *reader, enum mqtt_reason reason, const char *problem)
{
    if (mqtt_reader_ok(reader))
        reader->fault = (struct mqtt_fault){ reason, problem };
    reader->at = reader->end;
}

static const unsigned char *take(struct mqtt_reader *reader, size_t size)
{
    const unsigned char *at = reader->at;
    if (mqtt_reader_left(reader) < size) {
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "the packet ends within a field");
        return NULL;
    }
    reader->at += size;
    return at;
}

uint8_t mqtt_read_byte(struct mqtt_reader *reader)
{
    const unsigned char *at = take(reader, 1);
    return at ? at[0] : 0;
}

uint16_t mqtt_read_two(struct mqtt_reader *reader)
{
    const unsigned char *at = take(reader, 2);
    unsigned value = at ? (unsigned)at[0] << 8 | at[1] : 0;
    return (uint16_t)value;
}

uint32_t mqtt_read_four(struct mqtt_reader *reader)
{
    uint32_t high = mqtt_read_two(reader);
    return high << 16 | mqtt_read_two(reader);
}

uint32_t mqtt_read_variable(struct mqtt_reader *reader)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = mqtt_read_byte(reader);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "a length of more than four bytes");
    return 0;
}

struct mqtt_text mqtt_read_binary(struct mqtt_reader *reader)
{
    uint16_t length = mqtt_read_two(reader);
    const unsigned char *at = take(reader, length);
    return at && mqtt_reader_ok(reader) ? (struct mqtt_text){ (const char *)at, length }
                                        : (struct mqtt_text){ NULL, 0 };
}

struct mqtt_text mqtt_read_text(struct mqtt_reader *reader)
{
    struct mqtt_text text = mqtt_read_binary(reader);
    if (text.bytes && (memchr(text.bytes, '\0', text.length) || !text_is_utf8(text.bytes, text.length))) {
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "a text is not UTF-8, or has a NUL in it");
        return (struct mqtt_text){ NULL, 0 };
    }
    return text;
}

/* ---- properties ---- */
static bool read_flag(struct mqtt_reader *reader)
{
    uint8_t byte = mqtt_read_byte(reader);
    if (byte > 1)
        mqtt_reader_fail(reader, MQTT_PROTOCOL_ERROR, "a flag is neither 0 nor 1");
    return byte == 1;
}

static void read_receive_maximum(struct mqtt_reader *reader, struct mqtt_properties *properties)
{
    properties->receive_maximum = mqtt_read_two(reader);
    if (properties->receive_maximum == 0)
        mqtt_reader_fail(reader, MQTT_PROTOCOL_ERROR, "a receive maximum of 0");
}

static void read_maximum_packet_size(struct mqtt_reader *reader, struct mqtt_properties *properties)
{
    properties->maximum_packet_size = mqtt_read_four(reader);
    if (properties->maximum_packet_size == 0)
        mqtt_reader_fail(reader, MQTT_PROTOCOL_ERROR, "a maximum packet size of 0");
}

static void read_topic_alias(struct mqtt_reader *reader, struct mqtt_properties *properties)
{
    properties->topic_alias = mqtt_read_two(reader);
    if (properties->topic_alias == 0)
        mqtt_reader_fail(reader, MQTT_TOPIC_ALIAS_INVALID, "a topic alias of 0");
}

static void read_user_property(struct mqtt_reader *reader)
{
    (void)mqtt_read_text(reader);
    (void)mqtt_read_text(reader);
}

static void read_property(struct mqtt_reader *reader, uint32_t property, struct mqtt_properties *properties)
{
    switch (property) {
    case MQTT_PAYLOAD_FORMAT:
    case MQTT_REQUEST_PROBLEM_INFORMATION:
    case MQTT_REQUEST_RESPONSE_INFORMATION:
        (void)read_flag(reader);
        break;
    case MQTT_MESSAGE_EXPIRY:
    case MQTT_WILL_DELAY:
        (void)mqtt_read_four(reader);
        break;
    case MQTT_SESSION_EXPIRY:
        properties->has_session_expiry = true;
        properties->session_expiry_s = mqtt_read_four(reader);
        break;
    case MQTT_CONTENT_TYPE:
        properties->content_type = mqtt_read_text(reader);
        break;
    case MQTT_RESPONSE_TOPIC:
        properties->response_topic = mqtt_read_text(reader);
        break;
    case MQTT_CORRELATION_DATA:
        properties->correlation_data = mqtt_read_binary(reader);
        break;
    case MQTT_SUBSCRIPTION_IDENTIFIER:
        if (mqtt_read_variable(reader) == 0)
            mqtt_reader_fail(reader, MQTT_PROTOCOL_ERROR, "a subscription identifier of 0");
        break;
    case MQTT_AUTHENTICATION_METHOD:
        properties->authentication_method = mqtt_read_text(reader);
        break;
    case MQTT_AUTHENTICATION_DATA:
        (void)mqtt_read_binary(reader);
        break;
    case MQTT_REASON_STRING:
        (void)mqtt_read_text(reader);
        break;
    case MQTT_RECEIVE_MAXIMUM:
        read_receive_maximum(reader, properties);
        break;
    case MQTT_TOPIC_ALIAS_MAXIMUM:
        (void)mqtt_read_two(reader);
        break;
    case MQTT_TOPIC_ALIAS:
        read_topic_alias(reader, properties);
        break;
    case MQTT_MAXIMUM_PACKET_SIZE:
        read_maximum_packet_size(reader, properties);
        break;
    case MQTT_USER_PROPERTY:
        read_user_property(reader);
        break;
    default: /* those that only servers send are never allowed */
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "an unknown property");
    }
}

void mqtt_read_properties(struct mqtt_reader *reader, uint64_t allowed, struct mqtt_properties *out_properties)
{
    uint32_t length = mqtt_read_variable(reader);
    uint64_t seen = 0;
    *out_properties = (struct mqtt_properties){ .receive_maximum = UINT16_MAX };
    if (length > mqtt_reader_left(reader)) {
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "the properties are longer than the packet");
        return;
    }
    struct mqtt_reader inner = { .at = reader->at, .end = reader->at + length };
    while (mqtt_reader_ok(&inner) && mqtt_reader_left(&inner) > 0) {
        uint32_t property = mqtt_read_variable(&inner);
        if (property >= 64 || !(allowed & MQTT_ALLOW(property)))
            mqtt_reader_fail(&inner, MQTT_PROTOCOL_ERROR, "a property that does not belong into this packet");
        else if (seen & MQTT_ALLOW(property) && property != MQTT_USER_PROPERTY)
            mqtt_reader_fail(&inner, MQTT_PROTOCOL_ERROR, "a property is given twice");
        else
            read_property(&inner, property, out_properties);
        seen |= property < 64 ? MQTT_ALLOW(property) : 0;
    }
    reader->at += length;
    if (!mqtt_reader_ok(&inner))
        mqtt_reader_fail(reader, inner.fault.reason, inner.fault.problem);
}
