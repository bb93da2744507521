#include "lockout.h"
#include "auth/auth.h"
#include "base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const int64_t first_ms = 1000, longest_ms = (int64_t)15 * 60 * 1000;

int64_t lockout_delay_ms(int64_t failures, int64_t free_failures)
{
    int64_t delay_ms = first_ms;
    if (failures < free_failures)
        return 0;
    for (int64_t i = free_failures; i < failures && delay_ms < longest_ms; i++)
        delay_ms *= 2;
    return delay_ms < longest_ms ? delay_ms : longest_ms;
}

static void fingerprint(char subject[LOCKOUT_SUBJECT_SIZE], const char *text)
{
    unsigned char digest[SHA256_SIZE];
    auth_sha256(digest, text, strlen(text));
    text_hex(subject, digest, sizeof digest);
}

void lockout_subject_of_account(char subject[LOCKOUT_SUBJECT_SIZE], const char *email, int32_t tenant_id)
{
    char text[320];
    snprintf(text, sizeof text, "account:%d:%.254s", (int)tenant_id, email);
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    fingerprint(subject, text);
}

void lockout_subject_of_address(char subject[LOCKOUT_SUBJECT_SIZE], const char *address)
{
    char text[80];
    snprintf(text, sizeof text, "address:%.60s", address);
    fingerprint(subject, text);
}
