#include "auth/auth_internal.h"
#include "base/text.h"
#include "base/uuid.h"
#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>

enum { NONCE_SIZE = 12, TAG_SIZE = 16 };

static void cipher_free(EVP_CIPHER_CTX **cipher)
{
    EVP_CIPHER_CTX_free(*cipher);
}
#define AUTO_CIPHER __attribute__((cleanup(cipher_free))) EVP_CIPHER_CTX *

bool master_key_parse(unsigned char key[MASTER_KEY_SIZE], const char *text, struct err *err)
{
    if (!text || !text_from_hex(key, MASTER_KEY_SIZE, text, strlen(text)))
        return err_set(err, ERR_CONFIG, "the master key must be %d hexadecimal digits (openssl rand -hex %d)",
            MASTER_KEY_SIZE * 2, MASTER_KEY_SIZE);
    return true;
}

bool secret_wrap(struct buffer *out, const unsigned char key[MASTER_KEY_SIZE], const char *context, const void *secret,
    size_t size, struct err *err)
{
    int done = 0;
    if (size > INT_MAX - NONCE_SIZE - TAG_SIZE)
        return err_set(err, ERR_LIMIT, "%zu bytes are too many to wrap", size);
    AUTO_CIPHER cipher = EVP_CIPHER_CTX_new();
    unsigned char *room = (unsigned char *)buffer_room(out, NONCE_SIZE + size + TAG_SIZE);
    if (!cipher || !room)
        return err_set(err, ERR_LIMIT, "no room to wrap %zu bytes", size);
    random_bytes(room, NONCE_SIZE);
    if (!EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, room) ||
        !EVP_EncryptUpdate(cipher, NULL, &done, (const unsigned char *)context, (int)strlen(context)) ||
        !EVP_EncryptUpdate(cipher, room + NONCE_SIZE, &done, secret, (int)size) ||
        !EVP_EncryptFinal_ex(cipher, room + NONCE_SIZE + size, &done) ||
        !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, room + NONCE_SIZE + size))
        return err_set(err, ERR_BUG, "AES-256-GCM: %s", openssl_reason());
    buffer_claim(out, NONCE_SIZE + size + TAG_SIZE);
    return true;
}

bool secret_unwrap(struct buffer *out, const unsigned char key[MASTER_KEY_SIZE], const char *context,
    const void *wrapped, size_t size, struct err *err)
{
    const unsigned char *bytes = wrapped;
    unsigned char tag[TAG_SIZE];
    int done = 0;
    if (size < NONCE_SIZE + TAG_SIZE || size > INT_MAX)
        return err_set(err, ERR_INPUT, "%zu bytes are no wrapped secret", size);
    size_t plain = size - NONCE_SIZE - TAG_SIZE;
    AUTO_CIPHER cipher = EVP_CIPHER_CTX_new();
    unsigned char *room = (unsigned char *)buffer_room(out, plain);
    if (!cipher || !room)
        return err_set(err, ERR_LIMIT, "no room to unwrap %zu bytes", size);
    memcpy(tag, bytes + NONCE_SIZE + plain, TAG_SIZE);
    bool ok = EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, bytes) &&
              EVP_DecryptUpdate(cipher, NULL, &done, (const unsigned char *)context, (int)strlen(context)) &&
              EVP_DecryptUpdate(cipher, room, &done, bytes + NONCE_SIZE, (int)plain) &&
              EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) &&
              EVP_DecryptFinal_ex(cipher, room + plain, &done) > 0;
    if (!ok) {
        OPENSSL_cleanse(room, plain); /* what was decrypted is not authentic */
        (void)openssl_reason();
        return err_set(err, ERR_CONFIG, "a secret (%s) does not open: another master key, or it was changed", context);
    }
    buffer_claim(out, plain);
    return true;
}
