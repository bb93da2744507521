#include "net/net_ticket.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

/* SHA-256 over what the bytes are for, and for when. */
static bool derive(unsigned char out[32], const struct ticket_secret *secret, const char *what, int64_t period)
{
    unsigned char message[32] = { 0 };
    unsigned size = 32;
    size_t length = strlen(what);
    memcpy(message, what, length);
    for (size_t i = 0; i < sizeof period; i++)
        message[length + i] = (unsigned char)((uint64_t)period >> (8 * i));
    return HMAC(EVP_sha256(), secret->bytes, sizeof secret->bytes, message, length + sizeof period, out, &size) != NULL;
}

bool ticket_secret_init(struct ticket_secret *secret, const char *text)
{
    static const char label[] = "nwims tickets";
    unsigned size = sizeof secret->bytes;
    if (!text || text[0] == '\0')
        return RAND_bytes(secret->bytes, sizeof secret->bytes) == 1;
    return HMAC(EVP_sha256(), label, sizeof label - 1, (const unsigned char *)text, strlen(text), secret->bytes,
               &size) != NULL;
}

bool ticket_key_of(struct ticket_key *key, const struct ticket_secret *secret, int64_t period)
{
    unsigned char name[32];
    if (!derive(name, secret, "name", period) || !derive(key->mac, secret, "mac", period) ||
        !derive(key->cipher, secret, "cipher", period))
        return false;
    memcpy(key->name, name, sizeof key->name);
    return true;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end() };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

bool ticket_seal(const struct ticket_secret *secret, int64_t now_s, unsigned char name[16], unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    struct ticket_key key;
    bool ok = ticket_key_of(&key, secret, now_s / TICKET_KEY_S) &&
              RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
              EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 && set_mac(mac, &key);
    if (ok)
        memcpy(name, key.name, sizeof key.name);
    OPENSSL_cleanse(&key, sizeof key);
    return ok;
}

/* A process whose clock is ahead of ours may have begun the next period. */
enum ticket_age ticket_open(const struct ticket_secret *secret, int64_t now_s, const unsigned char name[16],
    const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    static const int64_t periods[] = { 0, -1, 1 };
    enum ticket_age age = TICKET_UNKNOWN;
    struct ticket_key key;
    for (size_t i = 0; age == TICKET_UNKNOWN && i < COUNT_OF(periods); i++)
        if (ticket_key_of(&key, secret, now_s / TICKET_KEY_S + periods[i]) &&
            CRYPTO_memcmp(name, key.name, sizeof key.name) == 0 &&
            EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 && set_mac(mac, &key))
            age = periods[i] < 0 ? TICKET_OLD : TICKET_NEW;
    OPENSSL_cleanse(&key, sizeof key);
    return age;
}
