/* Base64 (RFC 4648, section 4): standard alphabet, padded. */
#pragma once
#include "base/buffer.h"

/* Appends the text of bytes. */
void base64_encode(struct buffer *out, const void *bytes, size_t size);
/* How many bytes text stands for at most. */
size_t base64_decoded_size(size_t length);
/* The whole of text, padding may be left out; target has base64_decoded_size(length) bytes. */
MUST_CHECK bool base64_decode(unsigned char *target, size_t *out_size, const char *text, size_t length);
