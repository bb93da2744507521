/* Protobuf messages in and out of bytes: checked, bounded, allocated in an arena. Generated headers are included as
 * "nwims/v1/registry.pb-c.h". Any thread. */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

enum { WIRE_LARGEST_MESSAGE = 8 * 1024 * 1024 };

/* The message lives in the arena and is never freed by itself. ERR_INPUT if the bytes are no such message or a text in
 * it is not UTF-8, ERR_LIMIT if it is too large or the arena is full. */
MUST_CHECK bool wire_decode(ProtobufCMessage **out_message, struct arena *arena, const ProtobufCMessageDescriptor *type,
    const void *bytes, size_t size, struct err *err);
/* Appends the encoded message. */
MUST_CHECK bool wire_encode(struct buffer *out, const ProtobufCMessage *message, struct err *err);
/* Of a thing that counts its versions: its field `version`; 0 for others. */
int64_t wire_version(const ProtobufCMessage *message);
/* An empty message in the arena; NULL when the arena is full. */
MUST_CHECK ProtobufCMessage *wire_new(struct arena *arena, const ProtobufCMessageDescriptor *type);
/* A text that nobody changes, for a field of a message that is only encoded: protobuf-c lacks the const. */
static inline char *wire_constant(const char *text)
{
    return (char *)(uintptr_t)text;
}
