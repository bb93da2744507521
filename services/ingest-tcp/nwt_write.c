#include "auth/hmac.h"
#include "base/crc32c.h"
#include "nwt.h"
#include <string.h>

enum { LONGEST_TEXT = 255 };

static void put(struct buffer *out, uint64_t value, size_t size)
{
    for (size_t i = size; i > 0; i--)
        buffer_put_char(out, (char)(value >> (8 * (i - 1)) & 0xff));
}

static void put_text(struct buffer *out, const char *text)
{
    size_t length = text ? strnlen(text, LONGEST_TEXT) : 0;
    put(out, length, 1);
    if (length > 0)
        buffer_put(out, text, length);
}

static void put_payload(struct buffer *out, const struct outgoing *message)
{
    switch (message->type) {
    case MESSAGE_CHALLENGE:
        buffer_put(out, message->nonce, NONCE_SIZE);
        break;
    case MESSAGE_WELCOME:
        put(out, message->credit, 4);
        put(out, message->most_bytes, 4);
        put(out, message->keep_alive_s, 4);
        put(out, (uint64_t)message->time_us, 8);
        break;
    case MESSAGE_ACK:
    case MESSAGE_RESUME:
        put(out, message->credit, 4);
        break;
    case MESSAGE_NACK:
        put(out, message->count, 4);
        put(out, message->code, 1);
        put(out, message->after_ms, 4);
        put_text(out, message->text);
        break;
    case MESSAGE_COMMAND:
        put_text(out, message->id);
        put_text(out, message->text);
        buffer_put_text(out, message->payload ? message->payload : "");
        break;
    case MESSAGE_TIME:
        put(out, (uint64_t)message->time_us, 8);
        break;
    case MESSAGE_BYE:
        put(out, message->code, 1);
        put(out, message->after_ms, 4);
        put_text(out, message->text);
        break;
    case MESSAGE_PAUSE:
        put(out, message->after_ms, 4);
        break;
    default: /* PONG */
        break;
    }
}

static void put_trailer(struct nwt_guard *guard, struct buffer *out, size_t start)
{
    unsigned char head[9] = { 1 }, mac[SHA256_SIZE];
    const struct hmac_part parts[] = { { head, sizeof head }, { out->data + start, out->size - start } };
    if (guard->out == NWT_CRC)
        put(out, crc32c(out->data + start, out->size - start), NWT_CRC_BYTES);
    if (guard->out != NWT_MAC)
        return;
    for (size_t i = 0; i < 8; i++)
        head[1 + i] = (unsigned char)(guard->sent >> (56 - 8 * i));
    hmac_sha256(mac, guard->key, sizeof guard->key, parts, COUNT_OF(parts));
    guard->sent++;
    buffer_put(out, mac, NWT_MAC_BYTES);
}

void nwt_write(struct nwt_guard *guard, struct buffer *out, const struct outgoing *message)
{
    size_t start = out->size;
    size_t trailer = guard->out == NWT_MAC ? NWT_MAC_BYTES : guard->out == NWT_CRC ? NWT_CRC_BYTES : 0;
    put(out, 0, NWT_LENGTH_BYTES);
    put(out, (uint64_t)message->type, 1);
    put(out, guard->out == NWT_MAC ? NWT_FLAG_MAC : 0, 1);
    put(out, 0, 1);
    put(out, message->sequence, 8);
    put_payload(out, message);
    if (!buffer_ok(out))
        return;
    size_t length = out->size - start - NWT_LENGTH_BYTES + trailer;
    for (size_t i = 0; i < NWT_LENGTH_BYTES; i++)
        out->data[start + i] = (char)(length >> (8 * (NWT_LENGTH_BYTES - 1 - i)) & 0xff);
    put_trailer(guard, out, start);
}

/* ---- proofs ---- */
/* HMAC-SHA-256(key, label | server nonce | length u8, client nonce | length u8, identity | epoch u64) */
static void prove(unsigned char mac[NWT_KEY_BYTES], const char *label, const struct nwt_proof *proof)
{
    unsigned char nonce_length = (unsigned char)proof->client_nonce.length, epoch[8];
    unsigned char identity_length = (unsigned char)proof->identity.length;
    for (size_t i = 0; i < sizeof epoch; i++)
        epoch[i] = (unsigned char)(proof->epoch >> (56 - 8 * i));
    const struct hmac_part parts[] = {
        { label, strlen(label) },
        { proof->server_nonce, NONCE_SIZE },
        { &nonce_length, 1 },
        { proof->client_nonce.bytes, proof->client_nonce.length },
        { &identity_length, 1 },
        { proof->identity.bytes, proof->identity.length },
        { epoch, sizeof epoch },
    };
    hmac_sha256(mac, proof->key, proof->key_size, parts, COUNT_OF(parts));
}

void nwt_auth_mac(unsigned char mac[NWT_KEY_BYTES], const struct nwt_proof *proof)
{
    prove(mac, "NWT/1 device", proof);
}

void nwt_session_key(unsigned char key[NWT_KEY_BYTES], const struct nwt_proof *proof)
{
    prove(key, "NWT/1 frames", proof);
}
