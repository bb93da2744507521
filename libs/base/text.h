/* Small questions about text that comes from outside. */
#pragma once
#include "base/compiler.h"

/* How many bytes the UTF-8 character at text takes; 0 if it is none (overlong, surrogate, cut off). length >= 1. */
size_t text_utf8_length(const char *text, size_t length);
MUST_CHECK bool text_is_utf8(const char *text, size_t length);
/* Copies what fits with its NUL; false, and an empty target, if it does not fit. */
MUST_CHECK bool text_copy(char *target, size_t target_size, const char *text, size_t length);
MUST_CHECK bool text_equal(const char *left, const char *right); /* NULL equals only NULL */
/* FNV-1a, for hash tables; not for secrets nor for input that an attacker may choose freely without a cap. */
uint64_t text_hash(const void *bytes, size_t size);
/* Two lower-case hex digits a byte; target has 2 * size + 1 bytes. */
void text_hex(char *target, const unsigned char *bytes, size_t size);
MUST_CHECK bool text_from_hex(unsigned char *target, size_t size, const char *hex, size_t hex_length);
