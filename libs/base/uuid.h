/* UUID version 7 (RFC 9562): unique, and sorted by the time it was made. */
#pragma once
#include "base/compiler.h"

enum { UUID_TEXT_SIZE = 37 };
struct uuid {
    unsigned char bytes[16];
};

/* From the wall clock and random_numbers; any thread. Exits the process if the kernel has no randomness. */
struct uuid uuid_new(void);
/* Lower case with hyphens. */
void uuid_format(char text[UUID_TEXT_SIZE], const struct uuid *uuid);
/* The 36-character form, either case, any version. */
MUST_CHECK bool uuid_parse(const char *text, size_t length, struct uuid *out_uuid);
/* Random bytes from the kernel: for keys and secrets. */
void random_bytes(void *target, size_t size);
/* The same from a block that each thread gets beforehand, for the numbers that every request needs: one system call for
 * a dozen of them. What was given out is wiped, and a fork starts anew. */
void random_numbers(void *target, size_t size);
