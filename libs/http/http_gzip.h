/* Opens bodies that came with Content-Encoding: gzip (RFC 1952), within a ceiling: a megabyte can hold a gigabyte of
 * zeros. Inside libs/http only. */
#pragma once
#include "base/buffer.h"
#include "base/err.h"

enum { HTTP_GZIP_PIECE = 64 * 1024 }; /* room that the buffer must have beyond the ceiling */

/* Appends what the gzip members hold. ERR_LIMIT if that is more than ceiling bytes, ERR_INPUT if it is no gzip, is cut
 * short, damaged (CRC) or followed by something else. */
MUST_CHECK bool http_gzip_open(struct buffer *out, const void *data, size_t size, size_t ceiling, struct err *err);
