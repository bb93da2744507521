#include "auth/auth_internal.h"
#include "base/uuid.h"
#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Looking the digest up by name for every call, as SHA256() does in OpenSSL 3, takes longer than the digest itself. */
static const EVP_MD *sha256;
__attribute__((constructor)) static void find_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void auth_sha256(unsigned char digest[SHA256_SIZE], const void *data, size_t size)
{
    /* Only without memory can this fail, and a digest that is not one must never be used. */
    if (!sha256 || !EVP_Digest(data, size, digest, NULL, sha256, NULL))
        abort();
}

bool auth_equal(const void *left, const void *right, size_t size)
{
    return CRYPTO_memcmp(left, right, size) == 0;
}

void auth_secret_new(char text[AUTH_SECRET_TEXT_SIZE], const char *prefix)
{
    unsigned char bytes[32];
    struct buffer encoded = { .ceiling_bytes = 128 };
    assert(strlen(prefix) + 43 < AUTH_SECRET_TEXT_SIZE);
    random_bytes(bytes, sizeof bytes);
    if (!auth_base64url_encode(&encoded, bytes, sizeof bytes))
        abort();
    snprintf(text, AUTH_SECRET_TEXT_SIZE, "%s%s", prefix, encoded.data);
    OPENSSL_cleanse(bytes, sizeof bytes);
    OPENSSL_cleanse(encoded.data, encoded.size);
    buffer_done(&encoded);
}

const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason ? reason : "no reason given";
}
