/* MQTT control packets, version 3.1.1 and 5.0 (OASIS standards of 2014 and 2019): bytes in, struct out, and back. Pure:
 * no state, no memory of its own; texts point into the packet. What a client may send is decoded, what a server sends
 * is encoded. */
#pragma once
#include "base/buffer.h"
#include "base/compiler.h"

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK = 2,
    MQTT_PUBLISH = 3,
    MQTT_PUBACK = 4,
    MQTT_PUBREC = 5,
    MQTT_PUBREL = 6,
    MQTT_PUBCOMP = 7,
    MQTT_SUBSCRIBE = 8,
    MQTT_SUBACK = 9,
    MQTT_UNSUBSCRIBE = 10,
    MQTT_UNSUBACK = 11,
    MQTT_PINGREQ = 12,
    MQTT_PINGRESP = 13,
    MQTT_DISCONNECT = 14,
    MQTT_AUTH = 15,
    MQTT_TYPES
};
enum mqtt_version { MQTT_3_1_1 = 4, MQTT_5 = 5 };

/* Reason codes of version 5 (section 2.4); 3.1.1 has return codes only in CONNACK and SUBACK. */
enum mqtt_reason {
    MQTT_SUCCESS = 0x00,
    MQTT_DISCONNECT_WITH_WILL = 0x04,
    MQTT_NO_MATCHING_SUBSCRIBERS = 0x10,
    MQTT_NO_SUBSCRIPTION_EXISTED = 0x11,
    MQTT_UNSPECIFIED_ERROR = 0x80,
    MQTT_MALFORMED_PACKET = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_UNSUPPORTED_VERSION = 0x84,
    MQTT_CLIENT_ID_NOT_VALID = 0x85,
    MQTT_BAD_USER_NAME_OR_PASSWORD = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_SERVER_UNAVAILABLE = 0x88,
    MQTT_SERVER_BUSY = 0x89,
    MQTT_SERVER_SHUTTING_DOWN = 0x8b,
    MQTT_BAD_AUTHENTICATION_METHOD = 0x8c,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8d,
    MQTT_SESSION_TAKEN_OVER = 0x8e,
    MQTT_TOPIC_FILTER_INVALID = 0x8f,
    MQTT_TOPIC_NAME_INVALID = 0x90,
    MQTT_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    MQTT_TOPIC_ALIAS_INVALID = 0x94,
    MQTT_PACKET_TOO_LARGE = 0x95,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_PAYLOAD_FORMAT_INVALID = 0x99,
    MQTT_QOS_NOT_SUPPORTED = 0x9b,
    MQTT_USE_ANOTHER_SERVER = 0x9c,
    MQTT_CONNECTION_RATE_EXCEEDED = 0x9f,
};

struct mqtt_text {
    const char *bytes; /* NULL: absent; UTF-8 without NUL where the standard says so */
    size_t length;
};

/* Of those that a client may send, what we look at; the others are checked and passed over. */
struct mqtt_properties {
    uint32_t session_expiry_s;
    uint32_t maximum_packet_size; /* 0: no bound */
    uint16_t receive_maximum;     /* 65535 unless said */
    uint16_t topic_alias;         /* 0: none */
    bool has_session_expiry;
    struct mqtt_text content_type, authentication_method, response_topic;
    struct mqtt_text correlation_data;
};

struct mqtt_connect {
    enum mqtt_version version;
    bool is_bridge; /* the high bit of the version, as Mosquitto's bridges set it */
    bool clean_start;
    uint16_t keep_alive_s;
    struct mqtt_properties properties;
    struct mqtt_text client_id, user_name, password; /* password: any bytes */
    bool has_will, will_retain;
    uint8_t will_qos;
    struct mqtt_text will_topic, will_payload;
};
struct mqtt_publish {
    struct mqtt_text topic, payload;
    uint16_t packet_id; /* of QoS 1 and 2 */
    uint8_t qos;
    bool is_duplicate, is_retained;
    struct mqtt_properties properties;
};
struct mqtt_acknowledgement { /* PUBACK, PUBREC, PUBREL, PUBCOMP */
    uint16_t packet_id;
    uint8_t reason;
};
enum { MQTT_MOST_FILTERS = 32 };
struct mqtt_subscribe { /* SUBSCRIBE and UNSUBSCRIBE */
    uint16_t packet_id;
    size_t count;
    struct mqtt_text filters[MQTT_MOST_FILTERS];
    uint8_t qos[MQTT_MOST_FILTERS];
};
struct mqtt_packet {
    enum mqtt_type type;
    union {
        struct mqtt_connect connect;
        struct mqtt_publish publish;
        struct mqtt_acknowledgement acknowledgement;
        struct mqtt_subscribe subscribe;
        uint8_t disconnect_reason;
    };
};

/* Why a packet cannot be taken. */
struct mqtt_fault {
    enum mqtt_reason reason;
    const char *problem; /* for people and logs */
};

/* ---- in: mqtt_decode.c ---- */
enum mqtt_framing { MQTT_FRAME, MQTT_FRAME_MORE, MQTT_FRAME_BAD };
struct mqtt_frame {
    uint8_t header; /* type and flags */
    const unsigned char *body;
    size_t body_size;
    size_t size; /* all of it */
};
/* The first packet of bytes. MQTT_FRAME_MORE: not whole yet. One that is, or will be, longer than most is
 * MQTT_FRAME_BAD at once, with MQTT_PACKET_TOO_LARGE. */
enum mqtt_framing mqtt_frame_next(
    const unsigned char *bytes, size_t size, size_t most, struct mqtt_frame *out_frame, struct mqtt_fault *out_fault);
/* version: what CONNECT agreed on; of no meaning for CONNECT itself. False with the fault. */
MUST_CHECK bool mqtt_decode(struct mqtt_packet *out_packet, const struct mqtt_frame *frame, enum mqtt_version version,
    struct mqtt_fault *out_fault);

/* ---- out: mqtt_encode.c ---- */
struct mqtt_connack {
    uint8_t code; /* of the version: a return code of 3.1.1 or a reason of 5 */
    bool session_present;
    /* version 5 only, sent when not 0 */
    uint16_t receive_maximum, server_keep_alive_s;
    uint32_t maximum_packet_size;
    bool tells_session_expiry; /* that it is 0: we keep no session */
    const char *assigned_client_id;
    const char *reason_text;
};
void mqtt_put_connack(struct buffer *out, enum mqtt_version version, const struct mqtt_connack *connack);
/* PUBACK and the others of its form; 3.1.1 cannot say a reason. */
enum { MQTT_ACK_SIZE = 5 };
size_t mqtt_write_ack(unsigned char out[MQTT_ACK_SIZE], enum mqtt_version version, enum mqtt_type type,
    uint16_t packet_id, uint8_t reason);
/* codes: granted QoS or 0x80 (3.1.1), or reasons (5). UNSUBACK of 3.1.1 has none. */
void mqtt_put_suback(struct buffer *out, enum mqtt_version version, enum mqtt_type type, uint16_t packet_id,
    const uint8_t *codes, size_t count);
/* packet_id 0: QoS 0. */
void mqtt_put_publish(struct buffer *out, enum mqtt_version version, const char *topic, uint16_t packet_id,
    bool is_duplicate, const void *payload, size_t size);
/* Version 5 only: 3.1.1 has no word for it, the connection just ends. */
void mqtt_put_disconnect(struct buffer *out, uint8_t reason, const char *reason_text);
enum { MQTT_PINGRESP_SIZE = 2 };
extern const unsigned char mqtt_pingresp[MQTT_PINGRESP_SIZE];
