#include "wire/wire.h"
#include "base/text.h"
#include <string.h>

/* protobuf-c asks this allocator for every message, array and text: they all land in the arena and go with it. */
static void *arena_allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void arena_free_nothing(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

static bool texts_are_utf8(const ProtobufCMessage *message);

static bool value_is_utf8(const ProtobufCFieldDescriptor *field, const void *value)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text;
        memcpy(&text, value, sizeof text);
        return !text || text_is_utf8(text, strlen(text));
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *inner;
        memcpy(&inner, value, sizeof inner);
        return !inner || texts_are_utf8(inner);
    }
    return true;
}

/* protobuf-c does not check this, and PostgreSQL and JSON both insist on it. Our messages are not recursive, so depth
 * is bounded. */
static bool texts_are_utf8(const ProtobufCMessage *message)
{
    const char *base = (const char *)message;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            if (!value_is_utf8(field, base + field->offset))
                return false;
            continue;
        }
        size_t count;
        const char *items;
        memcpy(&count, base + field->quantifier_offset, sizeof count);
        memcpy(&items, base + field->offset, sizeof items);
        for (size_t k = 0; k < count; k++)
            if (!value_is_utf8(field, items + k * sizeof(void *)))
                return false;
    }
    return true;
}

bool wire_decode(ProtobufCMessage **out_message, struct arena *arena, const ProtobufCMessageDescriptor *type,
    const void *bytes, size_t size, struct err *err)
{
    ProtobufCAllocator allocator = { arena_allocate, arena_free_nothing, arena };
    if (size > WIRE_LARGEST_MESSAGE)
        return err_set(err, ERR_LIMIT, "%s of %zu bytes: the most is %d", type->short_name, size, WIRE_LARGEST_MESSAGE);
    size_t used_before = arena->used_bytes;
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, size, bytes);
    if (!message) {
        /* Telling "full" from "malformed": a message never takes much more than a few times its own bytes. */
        if (arena->ceiling_bytes - used_before < size * 4)
            return err_set(err, ERR_LIMIT, "no memory left for a %s of %zu bytes", type->short_name, size);
        return err_set(err, ERR_INPUT, "%zu bytes are no %s", size, type->short_name);
    }
    if (!texts_are_utf8(message))
        return err_set(err, ERR_INPUT, "a text in %s is not UTF-8", type->short_name);
    *out_message = message;
    return true;
}

bool wire_encode(struct buffer *out, const ProtobufCMessage *message, struct err *err)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    char *room = buffer_room(out, size);
    if (!room)
        return err_set(err, ERR_LIMIT, "%s of %zu bytes does not fit", message->descriptor->short_name, size);
    protobuf_c_message_pack(message, (uint8_t *)room);
    buffer_claim(out, size);
    return true;
}

ProtobufCMessage *wire_new(struct arena *arena, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    if (message)
        type->message_init(message);
    return message;
}

int64_t wire_version(const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "version");
    int64_t version;
    if (!field || field->type != PROTOBUF_C_TYPE_INT64 || field->label == PROTOBUF_C_LABEL_REPEATED)
        return 0;
    memcpy(&version, (const char *)message + field->offset, sizeof version);
    return version;
}
