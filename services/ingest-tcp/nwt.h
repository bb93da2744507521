/* NWT/1 frames, as README.md describes them. All numbers big-endian:
 *   length u24 | type u8 | flags u8 | stream u8 | sequence u64 | payload | trailer
 * length counts what comes after it. The trailer is absent over TLS; else the CRC-32C of all before it (4 bytes), or,
 * from the answer to a challenge on, flag 1 and the first 16 bytes of
 *   HMAC-SHA-256(session key, direction u8 | number of the frame u64 | all before the trailer)
 * with direction 0 from the device and 1 to it, each counting its frames from 0. No I/O. */
#pragma once
#include "base/buffer.h"
#include "message.h"

enum {
    NWT_HEADER = 14,
    NWT_LENGTH_BYTES = 3,
    NWT_LEAST_LENGTH = 11, /* a header's rest */
    NWT_CRC_BYTES = 4,
    NWT_MAC_BYTES = 16,
    NWT_FLAG_MAC = 1,
    NWT_MOST_BYTES = 65536, /* length at most, whatever is set */
    NWT_KEY_BYTES = 32,
};
enum nwt_trailer { NWT_BARE, NWT_CRC, NWT_MAC };
/* What protects the frames of one connection. */
struct nwt_guard {
    enum nwt_trailer in, out;
    unsigned char key[NWT_KEY_BYTES];
    uint64_t received, sent; /* frames with a MAC */
};
/* The next frame of bytes: its size in out_size, its texts pointing into bytes. The guard has counted it then. */
enum reading_outcome nwt_read(struct nwt_guard *guard, const unsigned char *bytes, size_t size, size_t most,
    struct incoming *out_message, size_t *out_size, struct fault *out_fault);
void nwt_write(struct nwt_guard *guard, struct buffer *out, const struct outgoing *message);

/* What a device proves with AUTH, and the key of the frames that follow (README.md). */
struct nwt_proof {
    const unsigned char *key;
    size_t key_size;
    const unsigned char *server_nonce; /* NONCE_SIZE */
    struct text client_nonce, identity;
    uint64_t epoch;
};
void nwt_auth_mac(unsigned char mac[NWT_KEY_BYTES], const struct nwt_proof *proof);
void nwt_session_key(unsigned char key[NWT_KEY_BYTES], const struct nwt_proof *proof);
