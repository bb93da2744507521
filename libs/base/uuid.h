/* UUID version 7 (RFC 9562): unique, and sorted by the time it was made. */
#pragma once
#include "base/compiler.h"

enum { UUID_TEXT_SIZE = 37 };
struct uuid {
    unsigned char bytes[16];
};

/* From the wall clock and the kernel's random source; any thread. Exits the process if the kernel has no randomness. */
struct uuid uuid_new(void);
/* Lower case with hyphens. */
void uuid_format(char text[UUID_TEXT_SIZE], const struct uuid *uuid);
/* The 36-character form, either case, any version. */
MUST_CHECK bool uuid_parse(const char *text, size_t length, struct uuid *out_uuid);
/* Random bytes from the kernel. */
void random_bytes(void *target, size_t size);
