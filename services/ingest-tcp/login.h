/* What is remembered of a device that is logging in. */
#pragma once
#include "session.h"

enum { LONGEST_NAME = 256 };
struct login {
    struct hello hello; /* its texts point to the following */
    char name[LONGEST_NAME], nonce[LONGEST_NAME];
    const char *kind; /* "token", "psk", "x509": what it is looked up by */
    char lookup[LONGEST_NAME];
    unsigned char server_nonce[NONCE_SIZE];
    struct directory_device device; /* tenant 0: nobody */
};
void login_free(struct login *login);
