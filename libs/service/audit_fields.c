#include "base/json_writer.h"
#include "service/audit.h"
#include <string.h>

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *place = (const char *)message + field->offset;
    const void *pointer;
    protobuf_c_boolean has;
    size_t count;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&count, (const char *)message + field->quantifier_offset, sizeof count);
        return count > 0;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE) {
        memcpy(&pointer, place, sizeof pointer);
        return pointer != NULL && pointer != field->default_value;
    }
    memcpy(&has, (const char *)message + field->quantifier_offset, sizeof has);
    return has;
}

/* The list called clear holds the names of fields that the request empties. */
static void put_cleared(
    struct json_writer *writer, const ProtobufCMessage *request, const ProtobufCFieldDescriptor *field)
{
    size_t count;
    char **names;
    memcpy(&count, (const char *)request + field->quantifier_offset, sizeof count);
    memcpy(&names, (const char *)request + field->offset, sizeof names);
    for (size_t i = 0; i < count; i++)
        json_text(writer, names[i]);
}

void audit_put_fields(struct buffer *out, const ProtobufCMessage *request)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_key(&writer, "fields");
    json_begin_array(&writer);
    for (unsigned i = 0; i < request->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &request->descriptor->fields[i];
        if (!is_set(request, field) || strcmp(field->name, "id") == 0)
            continue;
        if (strcmp(field->name, "clear") == 0 && field->label == PROTOBUF_C_LABEL_REPEATED)
            put_cleared(&writer, request, field);
        else
            json_text(&writer, field->name);
    }
    json_end_array(&writer);
    json_end_object(&writer);
}
