#include "transcode/field_value.h"
#include <string.h>

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int);
    case PROTOBUF_C_TYPE_STRING:
        return sizeof(char *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return sizeof(ProtobufCMessage *);
}

static bool is_pointer(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

bool field_is_repeated(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

bool field_is_time(const ProtobufCFieldDescriptor *field)
{
    size_t length = strlen(field->name);
    return length > 3 && strcmp(field->name + length - 3, "_at") == 0 &&
           (field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_SINT64 ||
               field->type == PROTOBUF_C_TYPE_SFIXED64);
}

size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *base = (const char *)message;
    if (field_is_repeated(field)) {
        size_t count;
        memcpy(&count, base + field->quantifier_offset, sizeof count);
        return count;
    }
    if (is_pointer(field)) {
        const void *pointer;
        memcpy(&pointer, base + field->offset, sizeof pointer);
        return pointer && pointer != field->default_value;
    }
    if (field->label != PROTOBUF_C_LABEL_OPTIONAL)
        return 1;
    protobuf_c_boolean has;
    memcpy(&has, base + field->quantifier_offset, sizeof has);
    return has != 0;
}

union field_value field_get(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index)
{
    union field_value value = { 0 };
    const char *at = (const char *)message + field->offset;
    if (field_is_repeated(field)) {
        const char *items;
        memcpy(&items, at, sizeof items);
        at = items + index * size_of(field);
    }
    memcpy(&value, at, size_of(field));
    return value;
}

void field_put(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const union field_value *value)
{
    const protobuf_c_boolean has = true;
    char *base = (char *)message;
    memcpy(base + field->offset, value, size_of(field));
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !is_pointer(field))
        memcpy(base + field->quantifier_offset, &has, sizeof has);
}

bool field_reserve(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t count, struct arena *arena)
{
    char *base = (char *)message, *old;
    size_t have = field_count(message, field), wanted;
    if (__builtin_add_overflow(have, count, &wanted))
        return false;
    char *items = arena_alloc_array(arena, wanted, size_of(field));
    if (!items)
        return false;
    memcpy(&old, base + field->offset, sizeof old);
    if (have > 0)
        memcpy(items, old, have * size_of(field));
    memcpy(base + field->offset, &items, sizeof items);
    return true;
}

void field_append(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const union field_value *value)
{
    char *base = (char *)message, *items;
    size_t count = field_count(message, field);
    memcpy(&items, base + field->offset, sizeof items);
    memcpy(items + count * size_of(field), value, size_of(field));
    count++;
    memcpy(base + field->quantifier_offset, &count, sizeof count);
}
