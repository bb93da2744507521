/* What devices and we say to each other, whichever of the two forms it has on the wire: NWT/1 frames (nwt.h) or lines
 * of JSON (line.h). */
#pragma once
#include "base/compiler.h"

/* The numbers are NWT/1's. */
enum message_type {
    MESSAGE_HELLO = 1,
    MESSAGE_CHALLENGE,
    MESSAGE_AUTH,
    MESSAGE_WELCOME,
    MESSAGE_DATA,
    MESSAGE_ACK,
    MESSAGE_NACK,
    MESSAGE_PING,
    MESSAGE_PONG,
    MESSAGE_COMMAND,
    MESSAGE_COMMAND_REPLY,
    MESSAGE_CONFIG, /* reserved */
    MESSAGE_TIME,
    MESSAGE_BYE,
    MESSAGE_PAUSE,
    MESSAGE_RESUME,
    MESSAGE_TYPES
};
enum { PROTOCOL_VERSION = 1, NONCE_SIZE = 32, MOST_RECORDS = 100000, SHORTEST_NONCE = 16 };

enum bye_code {
    BYE_NORMAL,
    BYE_MALFORMED,
    BYE_VERSION,
    BYE_UNAUTHENTICATED,
    BYE_UNAVAILABLE,
    BYE_TAKEN_OVER,
    BYE_REVOKED,
    BYE_GOING, /* we stop: come again, to whoever is there */
    BYE_TOO_LARGE,
    BYE_PROTOCOL,
    BYE_EPOCH, /* the numbers begin below what is stored: a store that was wiped needs another epoch */
    BYE_IDLE,
    BYE_TOO_MANY_FAILURES,
    BYE_CODES
};
const char *bye_code_name(enum bye_code code);
enum nack_code { NACK_PERMANENT = 1, NACK_RETRY = 2 };

struct text { /* into what was received; bytes NULL: absent */
    const char *bytes;
    size_t length;
};

/* How a device shows who it is. */
enum way { WAY_TLS, WAY_TOKEN, WAY_HMAC, WAYS };
struct hello {
    uint8_t version;
    enum way way;
    uint64_t epoch, oldest, next; /* the device has the records [oldest, next) */
    uint64_t acknowledged;        /* the highest that it was ever told to be stored */
    int64_t clock_us;             /* 0: it has none */
    uint32_t keep_alive_s;        /* 0: it leaves it to us */
    struct text name;             /* the token, or the identity of the key */
    struct text nonce;            /* of WAY_HMAC */
    struct text firmware;
};
/* From the device. */
struct incoming {
    enum message_type type;
    uint64_t sequence; /* of DATA: the first record's; PING's comes back */
    union {
        struct hello hello;
        struct text mac; /* of AUTH */
        struct {
            uint32_t count; /* of records */
            uint8_t format;
            struct text body;
        } data;
        struct {
            struct text id, body;
        } reply;
    };
};
/* To the device; texts NUL-terminated, NULL is "". */
struct outgoing {
    enum message_type type;
    uint64_t sequence;          /* WELCOME, ACK: committed; NACK: the first record; PONG */
    uint32_t credit;            /* WELCOME, ACK, RESUME: frames that may follow */
    uint32_t most_bytes;        /* WELCOME: largest frame */
    uint32_t keep_alive_s;      /* WELCOME */
    int64_t time_us;            /* WELCOME, TIME */
    uint32_t count;             /* NACK */
    uint8_t code;               /* NACK, BYE */
    uint32_t after_ms;          /* NACK, BYE, PAUSE: when to come again */
    const char *text;           /* NACK, BYE: why; COMMAND: its name */
    const char *id, *payload;   /* COMMAND */
    const unsigned char *nonce; /* CHALLENGE: NONCE_SIZE bytes */
};

/* What comes of looking at received bytes. */
enum reading_outcome {
    READ_MORE, /* not whole yet */
    READ_MESSAGE,
    READ_BAD, /* the connection cannot go on: see the fault */
};
struct fault {
    enum bye_code code;
    const char *problem; /* for people */
};
