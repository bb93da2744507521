/* The keys of TLS session tickets. They follow from a secret and the time of day, so that every process with the same
 * secret takes the tickets of the others, also after a restart; a key is used for TICKET_KEY_S and good for as long
 * again. Inside libs/net only. Any thread. */
#pragma once
#include "base/compiler.h"
#include <openssl/ssl.h>
#include <stdint.h>

enum { TICKET_KEY_S = 12 * 3600, TICKET_SECRET_SIZE = 32 };
struct ticket_secret {
    unsigned char bytes[TICKET_SECRET_SIZE];
};
/* From a text that the processes share; NULL or "": a random one, of this process. */
MUST_CHECK bool ticket_secret_init(struct ticket_secret *secret, const char *text);

struct ticket_key {
    unsigned char name[16], mac[32], cipher[32];
};
/* The key of a period, counted in TICKET_KEY_S since 1970. */
MUST_CHECK bool ticket_key_of(struct ticket_key *key, const struct ticket_secret *secret, int64_t period);
/* Sets up the cipher and the MAC for a ticket that is given out, with the newest key. */
MUST_CHECK bool ticket_seal(const struct ticket_secret *secret, int64_t now_s, unsigned char name[16],
    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac);
enum ticket_age { TICKET_UNKNOWN, TICKET_NEW, TICKET_OLD };
/* The same for one that is shown. */
enum ticket_age ticket_open(const struct ticket_secret *secret, int64_t now_s, const unsigned char name[16],
    const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac);
