#include "auth/hmac.h"
#include "base/crc32c.h"
#include "nwt.h"
#include <string.h>

enum { LONGEST_FIRMWARE = 64 };

/* Walks a payload; the first fault sticks, after it everything reads as empty. */
struct walk {
    const unsigned char *at, *end;
    bool is_short;
};

static uint64_t take(struct walk *walk, size_t size)
{
    uint64_t value = 0;
    if ((size_t)(walk->end - walk->at) < size) {
        walk->is_short = true;
        walk->at = walk->end;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        value = value << 8 | *walk->at++;
    return value;
}

static struct text take_bytes(struct walk *walk, size_t size)
{
    struct text text = { (const char *)walk->at, size };
    if ((size_t)(walk->end - walk->at) < size) {
        walk->is_short = true;
        return (struct text){ 0 };
    }
    walk->at += size;
    return text;
}

/* A byte of length and so many bytes. */
static struct text take_text(struct walk *walk)
{
    return take_bytes(walk, (size_t)take(walk, 1));
}

static struct text take_rest(struct walk *walk)
{
    return take_bytes(walk, (size_t)(walk->end - walk->at));
}

/* ---- payloads ---- */
static const char *read_hello(struct hello *hello, struct walk *walk, struct fault *fault)
{
    *hello = (struct hello){ .version = (uint8_t)take(walk, 1) };
    if (!walk->is_short && hello->version != PROTOCOL_VERSION) {
        fault->code = BYE_VERSION;
        return "this is no version that is spoken here: 1 is";
    }
    uint64_t way = take(walk, 1);
    hello->epoch = take(walk, 8);
    hello->oldest = take(walk, 8);
    hello->next = take(walk, 8);
    hello->acknowledged = take(walk, 8);
    hello->clock_us = (int64_t)take(walk, 8);
    hello->keep_alive_s = (uint32_t)take(walk, 4);
    hello->name = take_text(walk);
    hello->nonce = take_text(walk);
    hello->firmware = take_text(walk);
    if (way >= WAYS)
        return "HELLO names no way to log in that there is";
    hello->way = (enum way)way;
    return hello->firmware.length <= LONGEST_FIRMWARE ? NULL : "the firmware's name is longer than 64 bytes";
}

static const char *read_data(struct incoming *message, struct walk *walk)
{
    message->data.count = (uint32_t)take(walk, 4);
    message->data.format = (uint8_t)take(walk, 1);
    message->data.body = take_rest(walk);
    return NULL;
}

static const char *read_payload(struct incoming *message, struct walk *walk, struct fault *fault)
{
    switch (message->type) {
    case MESSAGE_HELLO:
        return read_hello(&message->hello, walk, fault);
    case MESSAGE_AUTH:
        message->mac = take_rest(walk);
        return NULL;
    case MESSAGE_DATA:
        return read_data(message, walk);
    case MESSAGE_COMMAND_REPLY:
        message->reply.id = take_text(walk);
        message->reply.body = take_rest(walk);
        return NULL;
    case MESSAGE_PING:
    case MESSAGE_TIME:
    case MESSAGE_BYE:
        take_rest(walk); /* what a later version may say there */
        return NULL;
    default:
        fault->code = BYE_PROTOCOL;
        return "a frame of a type that devices do not send";
    }
}

/* ---- frames ---- */
static size_t trailer_bytes(enum nwt_trailer trailer)
{
    return trailer == NWT_MAC ? NWT_MAC_BYTES : trailer == NWT_CRC ? NWT_CRC_BYTES : 0;
}

static bool is_intact(struct nwt_guard *guard, const unsigned char *frame, size_t size)
{
    unsigned char head[9] = { 0 }, mac[SHA256_SIZE];
    const unsigned char *trailer = frame + size;
    if (guard->in == NWT_CRC) {
        uint32_t crc = crc32c(frame, size);
        return trailer[0] == crc >> 24 && trailer[1] == (crc >> 16 & 0xff) && trailer[2] == (crc >> 8 & 0xff) &&
               trailer[3] == (crc & 0xff);
    }
    if (guard->in != NWT_MAC)
        return true;
    for (size_t i = 0; i < 8; i++)
        head[1 + i] = (unsigned char)(guard->received >> (56 - 8 * i));
    hmac_sha256(
        mac, guard->key, sizeof guard->key, (const struct hmac_part[]){ { head, sizeof head }, { frame, size } }, 2);
    guard->received++;
    return auth_equal(mac, trailer, NWT_MAC_BYTES);
}

static enum reading_outcome bad(struct fault *fault, enum bye_code code, const char *problem)
{
    *fault = (struct fault){ code, problem };
    return READ_BAD;
}

enum reading_outcome nwt_read(struct nwt_guard *guard, const unsigned char *bytes, size_t size, size_t most,
    struct incoming *out_message, size_t *out_size, struct fault *out_fault)
{
    size_t trailer = trailer_bytes(guard->in);
    if (size < NWT_LENGTH_BYTES)
        return READ_MORE;
    size_t length = (size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2];
    if (length > most || length > NWT_MOST_BYTES)
        return bad(out_fault, BYE_TOO_LARGE, "a frame that is longer than may be");
    if (length < NWT_LEAST_LENGTH + trailer)
        return bad(out_fault, BYE_MALFORMED, "a frame that is shorter than its header");
    if (size < NWT_LENGTH_BYTES + length)
        return READ_MORE;
    size_t covered = NWT_LENGTH_BYTES + length - trailer;
    unsigned flags = guard->in == NWT_MAC ? NWT_FLAG_MAC : 0;
    struct walk walk = { bytes + NWT_LENGTH_BYTES, bytes + covered, false };
    struct incoming message = { .type = (enum message_type)take(&walk, 1) };
    if (take(&walk, 1) != flags || take(&walk, 1) != 0)
        return bad(out_fault, BYE_MALFORMED, "flags or stream that are not used here");
    if (!is_intact(guard, bytes, covered))
        return bad(out_fault, BYE_MALFORMED, "the frame's check value does not match");
    message.sequence = take(&walk, 8);
    out_fault->code = BYE_MALFORMED;
    const char *problem = read_payload(&message, &walk, out_fault);
    if (!problem && walk.is_short)
        problem = "the payload is shorter than its fields";
    if (!problem && walk.at != walk.end)
        problem = "the payload is longer than its fields";
    if (problem)
        return bad(out_fault, out_fault->code, problem);
    *out_message = message;
    *out_size = NWT_LENGTH_BYTES + length;
    return READ_MESSAGE;
}
