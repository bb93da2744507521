#include "auth/auth.h"
#include "base/uuid.h"
#include <argon2.h>
#include <string.h>

/* RFC 9106 and OWASP's second choice: 19 MiB, two passes, one lane; about 40 ms a core. */
enum { PASSES = 2, MEMORY_KIB = 19456, LANES = 1, SALT_SIZE = 16, HASH_SIZE = 32, LONGEST_PASSWORD = 1024 };

bool password_hash(char hash[PASSWORD_HASH_SIZE], const char *password, struct err *err)
{
    unsigned char salt[SALT_SIZE];
    size_t length = strnlen(password, LONGEST_PASSWORD + 1);
    if (length > LONGEST_PASSWORD)
        return err_set(err, ERR_INPUT, "a password has at most %d bytes", LONGEST_PASSWORD);
    random_bytes(salt, sizeof salt);
    int result = argon2id_hash_encoded(
        PASSES, MEMORY_KIB, LANES, password, length, salt, sizeof salt, HASH_SIZE, hash, PASSWORD_HASH_SIZE);
    return result == ARGON2_OK || err_set(err, ERR_LIMIT, "argon2: %s", argon2_error_message(result));
}

bool password_matches(const char *hash, const char *password)
{
    /* The hash of nobody's password: who is not there costs the same time, and matches nothing. */
    static const char nobody[] =
        "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmUuLg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    size_t length = strnlen(password, LONGEST_PASSWORD + 1);
    if (length > LONGEST_PASSWORD)
        return false;
    return argon2id_verify(hash ? hash : nobody, password, length) == ARGON2_OK && hash;
}
