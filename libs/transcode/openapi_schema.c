#include "transcode/openapi_schema.h"
#include "base/number.h"
#include "base/text.h"
#include "transcode/field_value.h"
#include "transcode/manual.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *openapi_use_suffix(enum openapi_use use)
{
    return use == OPENAPI_REPLY ? "" : use == OPENAPI_REQUEST ? "Input" : "Patch";
}

bool openapi_path_has(const char *path, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = path ? strchr(path, '{') : NULL; at; at = strchr(at + 1, '{'))
        if (strncmp(at + 1, name, length) == 0 && at[1 + length] == '}')
            return true;
    return false;
}

void openapi_put_reference(struct json_writer *writer, const ProtobufCMessageDescriptor *type, enum openapi_use use)
{
    char reference[160];
    snprintf(reference, sizeof reference, "#/components/schemas/%s%s", type->short_name, openapi_use_suffix(use));
    json_put_text(writer, "$ref", reference);
}

static void put_number(struct json_writer *writer, const char *key, double number)
{
    json_key(writer, key);
    json_double(writer, number);
}

static void put_integer_type(struct json_writer *writer, const char *format, const struct field_manual *manual)
{
    json_put_text(writer, "type", "integer");
    if (format)
        json_put_text(writer, "format", format);
    else if (!manual || !manual->has_min)
        json_put_int(writer, "minimum", 0);
}

static void put_enumeration(struct json_writer *writer, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCEnumDescriptor *enumeration = field->descriptor;
    json_put_text(writer, "type", "string");
    json_key(writer, "enum");
    json_begin_array(writer);
    for (unsigned i = 0; i < enumeration->n_values; i++)
        json_text(writer, enumeration->values[i].name);
    json_end_array(writer);
}

static void put_string_or_time(struct json_writer *writer, const char *key, const char *value)
{
    json_put_text(writer, "type", "string");
    json_put_text(writer, key, value);
}

static void put_type(
    struct json_writer *writer, const ProtobufCFieldDescriptor *field, const struct field_manual *manual)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        put_integer_type(writer, "int32", manual);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        if (field_is_time(field))
            put_string_or_time(writer, "format", "date-time");
        else
            put_integer_type(writer, "int64", manual);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        put_integer_type(writer, NULL, manual);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        json_put_text(writer, "type", "number");
        json_put_text(writer, "format", field->type == PROTOBUF_C_TYPE_FLOAT ? "float" : "double");
        break;
    case PROTOBUF_C_TYPE_BOOL:
        json_put_text(writer, "type", "boolean");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_enumeration(writer, field);
        break;
    case PROTOBUF_C_TYPE_STRING:
        json_put_text(writer, "type", "string");
        break;
    case PROTOBUF_C_TYPE_BYTES:
        put_string_or_time(writer, "contentEncoding", "base64");
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
}

static void put_choices(struct json_writer *writer, const char *in)
{
    json_key(writer, "enum");
    json_begin_array(writer);
    for (const char *at = in; *at;) {
        size_t length = strcspn(at, "|");
        json_text_n(writer, at, length);
        at += length + (at[length] == '|');
    }
    json_end_array(writer);
}

static void put_example(struct json_writer *writer, const ProtobufCFieldDescriptor *field, const char *example)
{
    double number;
    size_t length = strlen(example);
    bool is_text =
        field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES || field_is_time(field);
    bool is_raw = !is_text && (number_parse(example, length, &number) == length || text_equal(example, "true") ||
                                  text_equal(example, "false"));
    json_key(writer, "examples");
    json_begin_array(writer);
    if (is_raw)
        json_raw(writer, example, length);
    else
        json_text(writer, example);
    json_end_array(writer);
}

/* Lengths are of bytes in the rules, of characters in a schema: the same for ASCII, and never stricter at the top. */
static void put_rules(
    struct json_writer *writer, const ProtobufCFieldDescriptor *field, const struct field_manual *manual)
{
    if (manual->has_min)
        put_number(writer, "minimum", manual->min);
    if (manual->has_max)
        put_number(writer, "maximum", manual->max);
    if (manual->length_min >= 0 && field->type == PROTOBUF_C_TYPE_STRING)
        json_put_int(writer, "minLength", manual->length_min);
    if (manual->length_max >= 0 && field->type == PROTOBUF_C_TYPE_STRING)
        json_put_int(writer, "maxLength", manual->length_max);
    if (manual->in)
        put_choices(writer, manual->in);
    if (text_equal(manual->format, "uuid"))
        json_put_text(writer, "format", "uuid");
    if (text_equal(manual->format, "code"))
        json_put_text(writer, "pattern", "^[A-Za-z0-9_.:/-]+$");
    if (manual->example)
        put_example(writer, field, manual->example);
}

static void put_geometry(struct json_writer *writer, const char *types)
{
    json_put_text(writer, "type", "object");
    json_key(writer, "properties");
    json_begin_object(writer);
    json_key(writer, "type");
    json_begin_object(writer);
    json_put_text(writer, "type", "string");
    put_choices(writer, types);
    json_end_object(writer);
    json_key(writer, "coordinates");
    json_begin_object(writer);
    json_put_text(writer, "type", "array");
    json_end_object(writer);
    json_end_object(writer);
    json_key(writer, "required");
    json_raw(writer, "[\"type\",\"coordinates\"]", 22);
    json_key(writer, "additionalProperties");
    json_bool(writer, false);
}

static void put_single(struct json_writer *writer, const ProtobufCFieldDescriptor *field,
    const struct field_manual *manual, enum openapi_use use)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        openapi_put_reference(writer, field->descriptor, use);
        return;
    }
    if (manual && text_equal(manual->format, "geojson")) {
        put_geometry(writer, manual->in ? manual->in : "Point|Polygon|MultiPolygon");
        return;
    }
    if (manual && text_equal(manual->format, "json")) {
        json_put_text(writer, "type", "object");
        return;
    }
    put_type(writer, field, manual);
    if (manual)
        put_rules(writer, field, manual);
}

static void put_field(struct json_writer *writer, const ProtobufCFieldDescriptor *field,
    const struct field_manual *manual, enum openapi_use use)
{
    if (!field_is_repeated(field)) {
        put_single(writer, field, manual, use);
        return;
    }
    json_put_text(writer, "type", "array");
    if (manual && manual->required && use == OPENAPI_REQUEST)
        json_put_int(writer, "minItems", 1);
    json_key(writer, "items");
    json_begin_object(writer);
    put_single(writer, field, manual, use);
    json_end_object(writer);
}

static bool is_clearable(
    const ProtobufCMessageDescriptor *type, const struct field_manual *manual, enum openapi_use use)
{
    return use == OPENAPI_PATCH && protobuf_c_message_descriptor_get_field_by_name(type, "clear") &&
           !(manual && (manual->required || manual->kept));
}

/* null clears the field (merge patch, RFC 7396). */
static void put_nullable(struct json_writer *writer, const ProtobufCFieldDescriptor *field,
    const struct field_manual *manual, enum openapi_use use)
{
    json_key(writer, "anyOf");
    json_begin_array(writer);
    json_begin_object(writer);
    put_field(writer, field, manual, use);
    json_end_object(writer);
    json_begin_object(writer);
    json_put_text(writer, "type", "null");
    json_end_object(writer);
    json_end_array(writer);
}

static void put_property(struct json_writer *writer, const ProtobufCMessageDescriptor *type,
    const ProtobufCFieldDescriptor *field, const struct field_manual *manual, enum openapi_use use)
{
    json_key(writer, field->name);
    json_begin_object(writer);
    if (is_clearable(type, manual, use))
        put_nullable(writer, field, manual, use);
    else
        put_field(writer, field, manual, use);
    if (manual && manual->comment[0])
        json_put_text(writer, "description", manual->comment);
    if (manual && manual->readonly) {
        json_key(writer, "readOnly");
        json_bool(writer, true);
    }
    json_end_object(writer);
}

static bool is_left_out(
    const ProtobufCFieldDescriptor *field, const struct field_manual *manual, enum openapi_use use, const char *path)
{
    if (manual && manual->internal)
        return true;
    return use != OPENAPI_REPLY && ((manual && manual->readonly) || openapi_path_has(path, field->name));
}

/* Lists are in every reply, if only as []. */
static bool is_always_there(
    const ProtobufCFieldDescriptor *field, const struct field_manual *manual, enum openapi_use use)
{
    if (use == OPENAPI_REPLY)
        return field_is_repeated(field);
    return use == OPENAPI_REQUEST && manual && manual->required;
}

static void put_required(
    struct json_writer *writer, const ProtobufCMessageDescriptor *type, enum openapi_use use, const char *path)
{
    const struct message_manual *message = message_manual_find(type->name);
    size_t count = 0;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const struct field_manual *manual = field_manual_find(message, field->name);
        if (is_left_out(field, manual, use, path) || !is_always_there(field, manual, use))
            continue;
        if (count++ == 0) {
            json_key(writer, "required");
            json_begin_array(writer);
        }
        json_text(writer, field->name);
    }
    if (count > 0)
        json_end_array(writer);
}

/* What the server sets, or the path says, may come back as it was read: it is ignored, whatever it is. */
static void put_ignored(
    struct json_writer *writer, const ProtobufCMessageDescriptor *type, enum openapi_use use, const char *path)
{
    const struct message_manual *message = message_manual_find(type->name);
    AUTO_INPLACE(buffer) pattern = { 0 };
    for (unsigned i = 0; i < type->n_fields; i++)
        if (is_left_out(&type->fields[i], field_manual_find(message, type->fields[i].name), use, path))
            buffer_printf(&pattern, "%s%s", pattern.size == 0 ? "^(" : "|", type->fields[i].name);
    buffer_put_text(&pattern, ")$");
    if (pattern.size <= 2 || !buffer_ok(&pattern))
        return;
    json_key(writer, "patternProperties");
    json_begin_object(writer);
    json_key(writer, pattern.data);
    json_begin_object(writer);
    json_put_text(writer, "description", "Set by the server or the path; ignored here.");
    json_end_object(writer);
    json_end_object(writer);
}

void openapi_put_message(
    struct json_writer *writer, const ProtobufCMessageDescriptor *type, enum openapi_use use, const char *path)
{
    const struct message_manual *message = message_manual_find(type->name);
    json_begin_object(writer);
    json_put_text(writer, "type", "object");
    if (message && message->comment[0])
        json_put_text(writer, "description", message->comment);
    json_key(writer, "properties");
    json_begin_object(writer);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const struct field_manual *manual = field_manual_find(message, type->fields[i].name);
        if (!is_left_out(&type->fields[i], manual, use, path))
            put_property(writer, type, &type->fields[i], manual, use);
    }
    json_end_object(writer);
    put_ignored(writer, type, use, path);
    put_required(writer, type, use, path);
    if (use != OPENAPI_REPLY) {
        json_key(writer, "additionalProperties");
        json_bool(writer, false);
    }
    json_end_object(writer);
}

void openapi_put_parameter_schema(
    struct json_writer *writer, const ProtobufCFieldDescriptor *field, const struct field_manual *manual)
{
    json_begin_object(writer);
    put_field(writer, field, manual, OPENAPI_REQUEST);
    json_end_object(writer);
}

void openapi_write_schema(struct buffer *out, const ProtobufCMessageDescriptor *type, bool for_request)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    openapi_put_message(&writer, type, for_request ? OPENAPI_REQUEST : OPENAPI_REPLY, NULL);
}

void openapi_write_field_schema(
    struct buffer *out, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    openapi_put_parameter_schema(&writer, field, field_manual_find(message_manual_find(type->name), field->name));
}
