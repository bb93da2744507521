/* The head of a chain: where it ended at the end of a period, signed. Pure.
 *
 * A JSON Web Signature in the compact form (RFC 7515, ES256), each part in base64url:
 *   {"alg":"ES256","kid":"<key id>","typ":"nwims-audit-head"}
 *   {"tenant_id":7,"ends_at":"2026-01-02T00:00:00Z","sequence":42,"hash":"<hex>","previous":"<hex>","signed_at":"..."}
 *   R and S
 * with the members in this order and no spaces. previous is the SHA-256 of the compact form of the head before, zeroes
 * for a chain's first: heads are a chain too. */
#pragma once
#include "auth/auth.h"

struct chain_head {
    int32_t tenant_id;
    int64_t ends_at, signed_at; /* microseconds since 1970 */
    int64_t sequence;           /* of the last record stored before ends_at */
    unsigned char hash[SHA256_SIZE];
    unsigned char previous[SHA256_SIZE];
};

/* Appends the two parts that are signed, with a point between them. */
MUST_CHECK bool head_write_input(struct buffer *out, const struct chain_head *head, const char *key_id);
/* The end of the period that begins at or before this time: the next multiple of the period since 1970. */
int64_t head_period_end(int64_t at, int64_t period_us);
