/* What a device's credential is found by. Does no I/O, any thread. */
#pragma once
#include "base/compiler.h"

enum { CREDENTIAL_LOOKUP_SIZE = 129 };

/* A name in its one spelling: hexadecimal ones (x509 fingerprints, lorawan DevEUIs, jwt keys) in lower case without
 * colons, others as they are. False if it does not fit or is empty. */
MUST_CHECK bool credential_lookup(char lookup[CREDENTIAL_LOOKUP_SIZE], const char *kind, const char *name);
/* The SHA-256 of kind, NUL and lookup: what caches, events and the database know it by. No token has a NUL, so that
 * none can be made whose hash is a name's. */
void credential_verifier(unsigned char verifier[32], const char *kind, const char *lookup);
