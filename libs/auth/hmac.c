#include "auth/hmac.h"
#include "auth/auth_internal.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 };

/* Fetched once, as in digest.c. */
static const EVP_MD *sha256;
__attribute__((constructor)) static void find_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static void must(int is_done)
{
    if (is_done != 1) /* without memory: a MAC that is none must never be used */
        abort();
}

static void digest_of(EVP_MD_CTX *context, unsigned char digest[SHA256_SIZE], const unsigned char pad[BLOCK],
    const struct hmac_part *parts, size_t part_count)
{
    must(EVP_DigestInit_ex(context, sha256, NULL));
    must(EVP_DigestUpdate(context, pad, BLOCK));
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].size > 0)
            must(EVP_DigestUpdate(context, parts[i].bytes, parts[i].size));
    must(EVP_DigestFinal_ex(context, digest, NULL));
}

void hmac_sha256(
    unsigned char mac[SHA256_SIZE], const void *key, size_t key_size, const struct hmac_part *parts, size_t part_count)
{
    unsigned char block[BLOCK] = { 0 }, inner_pad[BLOCK], outer_pad[BLOCK], inner[SHA256_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL);
    if (key_size > BLOCK)
        auth_sha256(block, key, key_size);
    else if (key_size > 0)
        memcpy(block, key, key_size);
    for (size_t i = 0; i < BLOCK; i++) {
        inner_pad[i] = block[i] ^ 0x36;
        outer_pad[i] = block[i] ^ 0x5c;
    }
    digest_of(context, inner, inner_pad, parts, part_count);
    digest_of(context, mac, outer_pad, &(struct hmac_part){ inner, sizeof inner }, 1);
    EVP_MD_CTX_free(context);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(inner_pad, sizeof inner_pad);
    OPENSSL_cleanse(outer_pad, sizeof outer_pad);
}
