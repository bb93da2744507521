#include "auth/totp.h"
#include "auth/auth.h"
#include "base/uuid.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHA1_SIZE = 20, BASE32_BITS = 5 };

void totp_secret_new(unsigned char secret[TOTP_SECRET_SIZE])
{
    random_bytes(secret, TOTP_SECRET_SIZE);
}

void totp_secret_text(char text[TOTP_SECRET_TEXT_SIZE], const unsigned char secret[TOTP_SECRET_SIZE])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned bits = 0, bit_count = 0;
    size_t length = 0;
    for (size_t i = 0; i < TOTP_SECRET_SIZE; i++) {
        bits = bits << 8 | secret[i];
        for (bit_count += 8; bit_count >= BASE32_BITS; bit_count -= BASE32_BITS)
            text[length++] = alphabet[bits >> (bit_count - BASE32_BITS) & 31];
    }
    text[length] = '\0'; /* 160 bits are 32 characters exactly */
}

/* RFC 4226, section 5.3: four bytes at an offset that the last byte says, without the sign, modulo 10^6. */
void totp_code(char code[TOTP_CODE_SIZE], const unsigned char secret[TOTP_SECRET_SIZE], int64_t step)
{
    unsigned char counter[8], digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    for (size_t i = 0; i < sizeof counter; i++)
        counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
    /* Only without memory can this fail, and a code that is not one must never be compared. */
    if (!HMAC(EVP_sha1(), secret, TOTP_SECRET_SIZE, counter, sizeof counter, digest, &digest_size) ||
        digest_size != SHA1_SIZE)
        abort();
    const unsigned char *at = digest + (digest[SHA1_SIZE - 1] & 15);
    uint32_t number = (uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    snprintf(code, TOTP_CODE_SIZE, "%06u", (unsigned)(number % 1000000));
}

bool totp_matches(
    const unsigned char secret[TOTP_SECRET_SIZE], const char *code, int64_t now_s, int64_t last_step, int64_t *out_step)
{
    int64_t now_step = now_s / TOTP_STEP_S;
    bool matches = false;
    if (strnlen(code, TOTP_DIGITS + 1) != TOTP_DIGITS)
        return false;
    for (int64_t step = now_step - 1; step <= now_step + 1; step++) {
        char expected[TOTP_CODE_SIZE];
        totp_code(expected, secret, step);
        bool is_it = auth_equal(expected, code, TOTP_DIGITS) && step > last_step;
        if (is_it && !matches)
            *out_step = step;
        matches = matches || is_it;
    }
    return matches;
}
