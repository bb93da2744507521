/* Reads and sets fields of any message by descriptor: the one place that knows how protobuf-c lays a message out. */
#pragma once
#include "wire/wire.h"

/* One value of any type; each member starts where the union does, as in the message. */
union field_value {
    int32_t int32;
    uint32_t uint32;
    int64_t int64;
    uint64_t uint64;
    float real32;
    double real64;
    protobuf_c_boolean boolean;
    int enumeration;
    char *text;
    ProtobufCBinaryData bytes;
    ProtobufCMessage *message;
};

bool field_is_repeated(const ProtobufCFieldDescriptor *field);
/* int64 fields called *_at are microseconds here and RFC 3339 in JSON. */
bool field_is_time(const ProtobufCFieldDescriptor *field);
/* How many values there are: 0 or 1 unless repeated. */
size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* index < field_count. */
union field_value field_get(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index);
/* Sets a field that is not repeated. */
void field_put(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const union field_value *value);
/* Gives a repeated field room for so many values, to be filled by field_append; what it had is kept. False when the
 * arena is full. */
MUST_CHECK bool field_reserve(
    ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t count, struct arena *arena);
/* Into room that was reserved. */
void field_append(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const union field_value *value);
