/* One-time codes by time: RFC 6238 (TOTP) over RFC 4226 (HOTP), SHA-1, six digits, steps of 30 seconds: what every
 * authenticator application can. Any thread. */
#pragma once
#include "base/compiler.h"

enum { TOTP_SECRET_SIZE = 20, TOTP_SECRET_TEXT_SIZE = 33, TOTP_CODE_SIZE = 7, TOTP_STEP_S = 30, TOTP_DIGITS = 6 };

void totp_secret_new(unsigned char secret[TOTP_SECRET_SIZE]);
/* Base32 (RFC 4648), upper case, as a person types it. */
void totp_secret_text(char text[TOTP_SECRET_TEXT_SIZE], const unsigned char secret[TOTP_SECRET_SIZE]);
/* The code of a step: whole steps of 30 s since 1970. */
void totp_code(char code[TOTP_CODE_SIZE], const unsigned char secret[TOTP_SECRET_SIZE], int64_t step);
/* Whether code is that of now, of the step before or of the one after (RFC 6238 section 5.2: clocks differ), and later
 * than last_step (-1: none was used). out_step: the step it is of, to be kept as used. Takes as long whichever it is.
 */
MUST_CHECK bool totp_matches(const unsigned char secret[TOTP_SECRET_SIZE], const char *code, int64_t now_s,
    int64_t last_step, int64_t *out_step);
