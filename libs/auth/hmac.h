/* HMAC-SHA-256 (RFC 2104). Any thread. */
#pragma once
#include "auth/auth.h"

struct hmac_part {
    const void *bytes;
    size_t size;
};
/* Over the parts one after another. A key longer than 64 bytes counts as its SHA-256, as the RFC says. */
void hmac_sha256(
    unsigned char mac[SHA256_SIZE], const void *key, size_t key_size, const struct hmac_part *parts, size_t part_count);
