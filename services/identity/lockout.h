/* How long to wait after failed logins: the first few are free, then each doubles the delay. Decisions, no I/O. */
#pragma once
#include "base/compiler.h"

enum { LOCKOUT_SUBJECT_SIZE = 65, LOCKOUT_FREE_OF_ACCOUNT = 5, LOCKOUT_FREE_OF_ADDRESS = 20 };

/* 0 while failures are few; then 1 s, 2 s, 4 s ... up to 15 minutes. */
int64_t lockout_delay_ms(int64_t failures, int64_t free_failures);
/* A fingerprint, so that the table holds neither addresses of people nor of machines. Upper and lower case of an e-mail
 * address are one. */
void lockout_subject_of_account(char subject[LOCKOUT_SUBJECT_SIZE], const char *email, int32_t tenant_id);
void lockout_subject_of_address(char subject[LOCKOUT_SUBJECT_SIZE], const char *address);
