#include "ingest/credential.h"
#include "auth/auth.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool credential_lookup(char lookup[CREDENTIAL_LOOKUP_SIZE], const char *kind, const char *name)
{
    bool is_hex = strcmp(kind, "x509") == 0 || strcmp(kind, "lorawan") == 0 || strcmp(kind, "jwt") == 0;
    size_t length = 0;
    for (const char *at = name; *at; at++) {
        if (is_hex && *at == ':')
            continue;
        if (length == CREDENTIAL_LOOKUP_SIZE - 1)
            return false;
        lookup[length++] = is_hex ? (char)tolower((unsigned char)*at) : *at;
    }
    lookup[length] = '\0';
    return length > 0;
}

void credential_verifier(unsigned char verifier[32], const char *kind, const char *lookup)
{
    char text[CREDENTIAL_LOOKUP_SIZE + 16];
    int length = snprintf(text, sizeof text, "%.14s%c%s", kind, '\0', lookup);
    auth_sha256(verifier, text, (size_t)length);
}
