#include "mqtt_reader.h"
#include <string.h>

enum { LONGEST_LENGTH = 4, VERSION_BRIDGE_BIT = 0x80 };

/* ---- the fixed header ---- */
static enum mqtt_framing fail_frame(struct mqtt_fault *out_fault, enum mqtt_reason reason, const char *problem)
{
    *out_fault = (struct mqtt_fault){ reason, problem };
    return MQTT_FRAME_BAD;
}

enum mqtt_framing mqtt_frame_next(
    const unsigned char *bytes, size_t size, size_t most, struct mqtt_frame *out_frame, struct mqtt_fault *out_fault)
{
    size_t length = 0, at = 1;
    unsigned shift = 0;
    bool has_more = true;
    for (; has_more; at++, shift += 7) {
        if (at > LONGEST_LENGTH)
            return fail_frame(out_fault, MQTT_MALFORMED_PACKET, "a length of more than four bytes");
        if (at >= size)
            return MQTT_FRAME_MORE;
        length |= (size_t)(bytes[at] & 0x7f) << shift;
        has_more = (bytes[at] & 0x80) != 0;
    }
    if (at + length > most)
        return fail_frame(out_fault, MQTT_PACKET_TOO_LARGE, "the packet is larger than we take");
    if (size - at < length)
        return MQTT_FRAME_MORE;
    *out_frame =
        (struct mqtt_frame){ .header = bytes[0], .body = bytes + at, .body_size = length, .size = at + length };
    return MQTT_FRAME;
}

/* ---- CONNECT ---- */
static bool is_text(const struct mqtt_text *text, const char *wanted)
{
    return text->bytes && text->length == strlen(wanted) && memcmp(text->bytes, wanted, text->length) == 0;
}

static void read_version(struct mqtt_reader *reader, struct mqtt_connect *connect)
{
    struct mqtt_text name = mqtt_read_text(reader);
    uint8_t version = mqtt_read_byte(reader);
    if (!mqtt_reader_ok(reader))
        return;
    connect->is_bridge = (version & VERSION_BRIDGE_BIT) != 0;
    version &= (uint8_t)~VERSION_BRIDGE_BIT;
    if (!is_text(&name, "MQTT") || (version != MQTT_3_1_1 && version != MQTT_5))
        mqtt_reader_fail(reader, MQTT_UNSUPPORTED_VERSION, "we speak MQTT 3.1.1 and 5");
    connect->version = version == MQTT_5 ? MQTT_5 : MQTT_3_1_1;
}

enum connect_flag {
    FLAG_RESERVED = 0x01,
    FLAG_CLEAN = 0x02,
    FLAG_WILL = 0x04,
    FLAG_WILL_RETAIN = 0x20,
    FLAG_PASSWORD = 0x40,
    FLAG_USER_NAME = 0x80
};

static void check_connect_flags(struct mqtt_reader *reader, const struct mqtt_connect *connect, uint8_t flags)
{
    if (flags & FLAG_RESERVED)
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "the reserved flag of CONNECT is set");
    else if (!connect->has_will && (connect->will_qos > 0 || connect->will_retain))
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "flags of a will without a will");
    else if (connect->will_qos > 2)
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "a will of QoS 3");
    else if (connect->version == MQTT_3_1_1 && flags & FLAG_PASSWORD && !(flags & FLAG_USER_NAME))
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "a password without a user name");
}

static void read_will(struct mqtt_reader *reader, struct mqtt_connect *connect)
{
    struct mqtt_properties properties;
    if (!connect->has_will)
        return;
    if (connect->version == MQTT_5)
        mqtt_read_properties(reader,
            MQTT_ALLOW(MQTT_WILL_DELAY) | MQTT_ALLOW(MQTT_PAYLOAD_FORMAT) | MQTT_ALLOW(MQTT_MESSAGE_EXPIRY) |
                MQTT_ALLOW(MQTT_CONTENT_TYPE) | MQTT_ALLOW(MQTT_RESPONSE_TOPIC) | MQTT_ALLOW(MQTT_CORRELATION_DATA) |
                MQTT_ALLOW(MQTT_USER_PROPERTY),
            &properties);
    connect->will_topic = mqtt_read_text(reader);
    connect->will_payload = mqtt_read_binary(reader);
}

static void read_connect(struct mqtt_reader *reader, struct mqtt_connect *connect)
{
    read_version(reader, connect);
    uint8_t flags = mqtt_read_byte(reader);
    connect->clean_start = (flags & FLAG_CLEAN) != 0;
    connect->has_will = (flags & FLAG_WILL) != 0;
    connect->will_qos = (flags >> 3) & 3;
    connect->will_retain = (flags & FLAG_WILL_RETAIN) != 0;
    check_connect_flags(reader, connect, flags);
    connect->keep_alive_s = mqtt_read_two(reader);
    connect->properties.receive_maximum = UINT16_MAX;
    if (connect->version == MQTT_5 && mqtt_reader_ok(reader))
        mqtt_read_properties(reader,
            MQTT_ALLOW(MQTT_SESSION_EXPIRY) | MQTT_ALLOW(MQTT_RECEIVE_MAXIMUM) | MQTT_ALLOW(MQTT_MAXIMUM_PACKET_SIZE) |
                MQTT_ALLOW(MQTT_TOPIC_ALIAS_MAXIMUM) | MQTT_ALLOW(MQTT_REQUEST_RESPONSE_INFORMATION) |
                MQTT_ALLOW(MQTT_REQUEST_PROBLEM_INFORMATION) | MQTT_ALLOW(MQTT_USER_PROPERTY) |
                MQTT_ALLOW(MQTT_AUTHENTICATION_METHOD) | MQTT_ALLOW(MQTT_AUTHENTICATION_DATA),
            &connect->properties);
    connect->client_id = mqtt_read_text(reader);
    read_will(reader, connect);
    if (flags & FLAG_USER_NAME)
        connect->user_name = mqtt_read_text(reader);
    if (flags & FLAG_PASSWORD)
        connect->password = mqtt_read_binary(reader);
}

/* ---- the others ---- */
static uint16_t read_packet_id(struct mqtt_reader *reader)
{
    uint16_t id = mqtt_read_two(reader);
    if (id == 0)
        mqtt_reader_fail(reader, MQTT_PROTOCOL_ERROR, "a packet identifier of 0");
    return id;
}

static void check_topic_name(struct mqtt_reader *reader, const struct mqtt_publish *publish)
{
    const struct mqtt_text *topic = &publish->topic;
    if (!mqtt_reader_ok(reader))
        return;
    if (topic->length == 0 && publish->properties.topic_alias == 0)
        mqtt_reader_fail(reader, MQTT_PROTOCOL_ERROR, "PUBLISH without a topic");
    else if (memchr(topic->bytes, '+', topic->length) || memchr(topic->bytes, '#', topic->length))
        mqtt_reader_fail(reader, MQTT_TOPIC_NAME_INVALID, "PUBLISH to a topic with a wildcard");
}

static void read_publish(
    struct mqtt_reader *reader, uint8_t flags, enum mqtt_version version, struct mqtt_publish *publish)
{
    publish->is_duplicate = (flags & 0x08) != 0;
    publish->qos = (flags >> 1) & 3;
    publish->is_retained = (flags & 0x01) != 0;
    if (publish->qos == 3 || (publish->qos == 0 && publish->is_duplicate))
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "PUBLISH of QoS 3, or a repeat of QoS 0");
    publish->topic = mqtt_read_text(reader);
    if (publish->qos > 0)
        publish->packet_id = read_packet_id(reader);
    if (version == MQTT_5)
        mqtt_read_properties(reader,
            MQTT_ALLOW(MQTT_PAYLOAD_FORMAT) | MQTT_ALLOW(MQTT_MESSAGE_EXPIRY) | MQTT_ALLOW(MQTT_TOPIC_ALIAS) |
                MQTT_ALLOW(MQTT_RESPONSE_TOPIC) | MQTT_ALLOW(MQTT_CORRELATION_DATA) | MQTT_ALLOW(MQTT_USER_PROPERTY) |
                MQTT_ALLOW(MQTT_CONTENT_TYPE),
            &publish->properties);
    check_topic_name(reader, publish);
    publish->payload = (struct mqtt_text){ (const char *)reader->at, mqtt_reader_left(reader) };
    reader->at = reader->end;
}

static void read_acknowledgement(
    struct mqtt_reader *reader, enum mqtt_version version, struct mqtt_acknowledgement *acknowledgement)
{
    struct mqtt_properties properties;
    acknowledgement->packet_id = read_packet_id(reader);
    if (version == MQTT_5 && mqtt_reader_left(reader) > 0)
        acknowledgement->reason = mqtt_read_byte(reader);
    if (version == MQTT_5 && mqtt_reader_left(reader) > 0)
        mqtt_read_properties(reader, MQTT_ALLOW(MQTT_REASON_STRING) | MQTT_ALLOW(MQTT_USER_PROPERTY), &properties);
}

static void check_subscription(
    struct mqtt_reader *reader, const struct mqtt_text *filter, uint8_t options, bool is_five)
{
    if (filter->length == 0)
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "an empty topic filter");
    else if ((options & 3) == 3 || (options & (is_five ? 0xc0 : 0xfc)) || (is_five && (options & 0x30) == 0x30))
        mqtt_reader_fail(reader, MQTT_MALFORMED_PACKET, "options of a subscription that there are not");
}

static void read_filters(
    struct mqtt_reader *reader, enum mqtt_type type, enum mqtt_version version, struct mqtt_subscribe *subscribe)
{
    struct mqtt_properties properties;
    bool subscribes = type == MQTT_SUBSCRIBE;
    subscribe->packet_id = read_packet_id(reader);
    if (version == MQTT_5)
        mqtt_read_properties(reader,
            MQTT_ALLOW(MQTT_USER_PROPERTY) | (subscribes ? MQTT_ALLOW(MQTT_SUBSCRIPTION_IDENTIFIER) : 0), &properties);
    while (mqtt_reader_ok(reader) && mqtt_reader_left(reader) > 0) {
        if (subscribe->count == MQTT_MOST_FILTERS) {
            mqtt_reader_fail(reader, MQTT_QUOTA_EXCEEDED, "too many topic filters in one packet");
            return;
        }
        struct mqtt_text filter = mqtt_read_text(reader);
        uint8_t options = subscribes ? mqtt_read_byte(reader) : 0;
        check_subscription(reader, &filter, options, version == MQTT_5);
        subscribe->filters[subscribe->count] = filter;
        subscribe->qos[subscribe->count++] = options & 3;
    }
    if (subscribe->count == 0)
        mqtt_reader_fail(reader, MQTT_PROTOCOL_ERROR, "SUBSCRIBE or UNSUBSCRIBE without a topic filter");
}

static void read_disconnect(struct mqtt_reader *reader, enum mqtt_version version, uint8_t *out_reason)
{
    struct mqtt_properties properties;
    if (version == MQTT_5 && mqtt_reader_left(reader) > 0)
        *out_reason = mqtt_read_byte(reader);
    if (version == MQTT_5 && mqtt_reader_left(reader) > 0)
        mqtt_read_properties(reader,
            MQTT_ALLOW(MQTT_SESSION_EXPIRY) | MQTT_ALLOW(MQTT_REASON_STRING) | MQTT_ALLOW(MQTT_USER_PROPERTY),
            &properties);
}

/* ---- all ---- */
/* Section 2.2.2 of 3.1.1, 2.1.3 of 5: flags of all but PUBLISH are fixed. */
static bool has_right_flags(enum mqtt_type type, uint8_t flags)
{
    if (type == MQTT_PUBLISH)
        return true;
    return flags == (type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE ? 2 : 0);
}

static void read_body(struct mqtt_reader *reader, struct mqtt_packet *packet, uint8_t flags, enum mqtt_version version)
{
    switch (packet->type) {
    case MQTT_CONNECT:
        read_connect(reader, &packet->connect);
        break;
    case MQTT_PUBLISH:
        read_publish(reader, flags, version, &packet->publish);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        read_acknowledgement(reader, version, &packet->acknowledgement);
        break;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        read_filters(reader, packet->type, version, &packet->subscribe);
        break;
    case MQTT_PINGREQ:
        break;
    case MQTT_DISCONNECT:
        read_disconnect(reader, version, &packet->disconnect_reason);
        break;
    case MQTT_AUTH:
        mqtt_reader_fail(reader, MQTT_PROTOCOL_ERROR, "AUTH, and no authentication method was agreed on");
        break;
    default:
        mqtt_reader_fail(reader, MQTT_PROTOCOL_ERROR, "a packet that only servers send");
    }
}

bool mqtt_decode(struct mqtt_packet *out_packet, const struct mqtt_frame *frame, enum mqtt_version version,
    struct mqtt_fault *out_fault)
{
    struct mqtt_reader reader = { .at = frame->body, .end = frame->body + frame->body_size };
    enum mqtt_type type = frame->header >> 4;
    uint8_t flags = frame->header & 0x0f;
    memset(out_packet, 0,
        type == MQTT_PUBLISH ? offsetof(struct mqtt_packet, publish) + sizeof out_packet->publish : sizeof *out_packet);
    out_packet->type = type;
    if (type == 0 || !has_right_flags(type, flags))
        mqtt_reader_fail(&reader, MQTT_MALFORMED_PACKET, "an unknown packet type, or flags that it may not have");
    else
        read_body(&reader, out_packet, flags, version);
    if (mqtt_reader_ok(&reader) && mqtt_reader_left(&reader) > 0)
        mqtt_reader_fail(&reader, MQTT_MALFORMED_PACKET, "bytes behind the end of the packet");
    *out_fault = reader.fault;
    return mqtt_reader_ok(&reader);
}
