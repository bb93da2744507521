/* Whether a password is one of those that are tried first. No rule about kinds of characters: length, and not being
 * guessable, count (NIST SP 800-63B, section 5.1.1.2). Decisions, no I/O. */
#pragma once
#include "base/compiler.h"

enum { LEAST_PASSWORD = 12, LONGEST_PASSWORD = 256 };

/* NULL, or what is wrong with it. email and name: of whose password it is, "" or NULL if not known. */
const char *password_rule_fault(const char *password, const char *email, const char *name);
