#include "mqtt_reader.h"
#include <string.h>

const unsigned char mqtt_pingresp[MQTT_PINGRESP_SIZE] = { MQTT_PINGRESP << 4, 0 };

static void put_byte(struct buffer *out, unsigned value)
{
    buffer_put_char(out, (char)(unsigned char)value);
}

static void put_two(struct buffer *out, unsigned value)
{
    put_byte(out, value >> 8 & 0xff);
    put_byte(out, value & 0xff);
}

static void put_variable(struct buffer *out, size_t value)
{
    do {
        put_byte(out, (unsigned)(value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
}

static void put_text(struct buffer *out, const char *text)
{
    size_t length = strnlen(text, UINT16_MAX);
    put_two(out, (unsigned)length);
    buffer_put(out, text, length);
}

static void put_packet(struct buffer *out, unsigned header, const struct buffer *body)
{
    put_byte(out, header);
    put_variable(out, body->size);
    buffer_put(out, body->data, body->size);
}

static void put_properties(struct buffer *body, const struct buffer *properties)
{
    put_variable(body, properties->size);
    buffer_put(body, properties->data, properties->size);
}

static void put_number(struct buffer *properties, enum mqtt_property property, uint32_t value, bool has_four_bytes)
{
    if (value == 0)
        return;
    put_byte(properties, property);
    if (has_four_bytes)
        put_two(properties, value >> 16);
    put_two(properties, value & 0xffff);
}

static void put_text_property(struct buffer *properties, enum mqtt_property property, const char *text)
{
    if (!text)
        return;
    put_byte(properties, property);
    put_text(properties, text);
}

static void put_flag(struct buffer *properties, enum mqtt_property property, bool value)
{
    put_byte(properties, property);
    put_byte(properties, value);
}

/* What we are: QoS 1 at the most, no sessions, no wildcards, no subscription identifiers, no shared subscriptions. */
static void put_connack_properties(struct buffer *properties, const struct mqtt_connack *connack)
{
    put_text_property(properties, MQTT_REASON_STRING, connack->reason_text);
    if (connack->code != MQTT_SUCCESS)
        return;
    put_flag(properties, MQTT_MAXIMUM_QOS, true);
    put_flag(properties, MQTT_SUBSCRIPTION_IDENTIFIERS_AVAILABLE, false);
    put_flag(properties, MQTT_SHARED_SUBSCRIPTIONS_AVAILABLE, false);
    put_number(properties, MQTT_RECEIVE_MAXIMUM, connack->receive_maximum, false);
    put_number(properties, MQTT_MAXIMUM_PACKET_SIZE, connack->maximum_packet_size, true);
    put_number(properties, MQTT_SERVER_KEEP_ALIVE, connack->server_keep_alive_s, false);
    put_text_property(properties, MQTT_ASSIGNED_CLIENT_ID, connack->assigned_client_id);
    if (connack->tells_session_expiry) {
        put_byte(properties, MQTT_SESSION_EXPIRY);
        put_two(properties, 0);
        put_two(properties, 0);
    }
}

void mqtt_put_connack(struct buffer *out, enum mqtt_version version, const struct mqtt_connack *connack)
{
    AUTO_INPLACE(buffer) body = { 0 };
    AUTO_INPLACE(buffer) properties = { 0 };
    put_byte(&body, connack->session_present);
    put_byte(&body, connack->code);
    if (version == MQTT_5) {
        put_connack_properties(&properties, connack);
        put_properties(&body, &properties);
    }
    put_packet(out, MQTT_CONNACK << 4, &body);
}

size_t mqtt_write_ack(unsigned char out[MQTT_ACK_SIZE], enum mqtt_version version, enum mqtt_type type,
    uint16_t packet_id, uint8_t reason)
{
    bool says_reason = version == MQTT_5 && reason != MQTT_SUCCESS;
    out[0] = (unsigned char)(type << 4 | (type == MQTT_PUBREL ? 2 : 0));
    out[1] = says_reason ? 3 : 2;
    out[2] = (unsigned char)(packet_id >> 8);
    out[3] = (unsigned char)(packet_id & 0xff);
    out[4] = reason;
    return says_reason ? 5 : 4;
}

void mqtt_put_suback(struct buffer *out, enum mqtt_version version, enum mqtt_type type, uint16_t packet_id,
    const uint8_t *codes, size_t count)
{
    AUTO_INPLACE(buffer) body = { 0 };
    put_two(&body, packet_id);
    if (version == MQTT_5)
        put_byte(&body, 0);
    if (version == MQTT_5 || type == MQTT_SUBACK)
        buffer_put(&body, codes, count);
    put_packet(out, (unsigned)type << 4, &body);
}

void mqtt_put_publish(struct buffer *out, enum mqtt_version version, const char *topic, uint16_t packet_id,
    bool is_duplicate, const void *payload, size_t size)
{
    AUTO_INPLACE(buffer) body = { 0 };
    put_text(&body, topic);
    if (packet_id != 0)
        put_two(&body, packet_id);
    if (version == MQTT_5)
        put_byte(&body, 0);
    buffer_put(&body, payload, size);
    put_packet(out, MQTT_PUBLISH << 4 | (packet_id != 0 ? 2u : 0) | (is_duplicate ? 8u : 0), &body);
}

void mqtt_put_disconnect(struct buffer *out, uint8_t reason, const char *reason_text)
{
    AUTO_INPLACE(buffer) body = { 0 };
    AUTO_INPLACE(buffer) properties = { 0 };
    put_byte(&body, reason);
    put_text_property(&properties, MQTT_REASON_STRING, reason_text);
    put_properties(&body, &properties);
    put_packet(out, MQTT_DISCONNECT << 4, &body);
}
