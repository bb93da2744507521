/* Walks the body of a packet: the first fault sticks, after it everything reads as empty. Inside the codec only. */
#pragma once
#include "mqtt_packet.h"

struct mqtt_reader {
    const unsigned char *at, *end;
    struct mqtt_fault fault; /* reason 0: none yet */
};
void mqtt_reader_fail(struct mqtt_reader *reader, enum mqtt_reason reason, const char *problem);
static inline bool mqtt_reader_ok(const struct mqtt_reader *reader)
{
    return reader->fault.reason == MQTT_SUCCESS;
}
static inline size_t mqtt_reader_left(const struct mqtt_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}
uint8_t mqtt_read_byte(struct mqtt_reader *reader);
uint16_t mqtt_read_two(struct mqtt_reader *reader);
uint32_t mqtt_read_four(struct mqtt_reader *reader);
uint32_t mqtt_read_variable(struct mqtt_reader *reader);
/* Length and bytes. */
struct mqtt_text mqtt_read_binary(struct mqtt_reader *reader);
/* The same, UTF-8 without NUL. */
struct mqtt_text mqtt_read_text(struct mqtt_reader *reader);
/* Section 2.2.2 of version 5. allowed: bit i for property i of this packet; one that is given twice, or does not belong
 * here, is a protocol error. */
void mqtt_read_properties(struct mqtt_reader *reader, uint64_t allowed, struct mqtt_properties *out_properties);

/* Identifiers of properties that clients send. */
enum mqtt_property {
    MQTT_PAYLOAD_FORMAT = 0x01,
    MQTT_MESSAGE_EXPIRY = 0x02,
    MQTT_CONTENT_TYPE = 0x03,
    MQTT_RESPONSE_TOPIC = 0x08,
    MQTT_CORRELATION_DATA = 0x09,
    MQTT_SUBSCRIPTION_IDENTIFIER = 0x0b,
    MQTT_SESSION_EXPIRY = 0x11,
    MQTT_ASSIGNED_CLIENT_ID = 0x12,
    MQTT_SERVER_KEEP_ALIVE = 0x13,
    MQTT_AUTHENTICATION_METHOD = 0x15,
    MQTT_AUTHENTICATION_DATA = 0x16,
    MQTT_REQUEST_PROBLEM_INFORMATION = 0x17,
    MQTT_WILL_DELAY = 0x18,
    MQTT_REQUEST_RESPONSE_INFORMATION = 0x19,
    MQTT_REASON_STRING = 0x1f,
    MQTT_RECEIVE_MAXIMUM = 0x21,
    MQTT_TOPIC_ALIAS_MAXIMUM = 0x22,
    MQTT_TOPIC_ALIAS = 0x23,
    MQTT_MAXIMUM_QOS = 0x24,
    MQTT_USER_PROPERTY = 0x26,
    MQTT_MAXIMUM_PACKET_SIZE = 0x27,
    MQTT_WILDCARDS_AVAILABLE = 0x28,
    MQTT_SUBSCRIPTION_IDENTIFIERS_AVAILABLE = 0x29,
    MQTT_SHARED_SUBSCRIPTIONS_AVAILABLE = 0x2a,
};
#define MQTT_ALLOW(property) (UINT64_C(1) << (property))
