/* Signatures of requests: HMAC-SHA256 under a key that device and registry share (a credential of kind psk; its
 * identity is the key id). Two forms are understood:
 *
 *   Nwims-Signature: keyid=meter-7, ts=1795507200, nonce=4f1c..., alg=hmac-sha256, sig=<64 hexadecimal digits>
 *     over  method LF path[?query] LF ts LF nonce LF hexadecimal SHA-256 of the body
 *   Nwims-Key-Id: meter-7 with webhook-id, webhook-timestamp, webhook-signature: v1,<base64> [v1,<base64>...]
 *     over  id.timestamp.body  (Standard Webhooks, so that its libraries will do)
 *
 * The body is signed as it is before it is packed (gzip). Does no I/O, any thread. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum { SIGNATURE_KEY_ID_SIZE = 65, SIGNATURE_NONCE_SIZE = 129 };
struct signature {
    char key_id[SIGNATURE_KEY_ID_SIZE];
    char nonce[SIGNATURE_NONCE_SIZE]; /* printable ASCII */
    char timestamp[21];               /* as sent: it is signed so */
    int64_t signed_at;                /* microseconds since the epoch */
    const char *webhook;              /* the header's value if it is of the second form, else NULL */
    unsigned char digest[32];         /* of the first form */
};
struct signed_headers { /* NULL where absent */
    const char *signature, *key_id, *webhook_id, *webhook_timestamp, *webhook_signature;
};
struct signed_request {
    const char *method, *path, *query; /* query "" if none */
    const void *body;
    size_t size;
};

/* Whether the request says that it is signed. */
MUST_CHECK bool signature_is_there(const struct signed_headers *headers);
/* ERR_UNAUTHENTICATED says what is wrong with the headers. What webhook points to is the headers'. */
MUST_CHECK bool signature_read(struct signature *out_signature, const struct signed_headers *headers, struct err *err);
/* Whether the clock it was signed by is within window_ms of ours; ERR_UNAUTHENTICATED says how far it is off. */
MUST_CHECK bool signature_is_fresh(
    const struct signature *signature, int64_t now_us, int64_t window_ms, struct err *err);
/* In constant time; false too without memory. */
MUST_CHECK bool signature_matches(const struct signature *signature, const struct signed_request *request,
    const unsigned char *key, size_t key_size, struct arena *arena);
