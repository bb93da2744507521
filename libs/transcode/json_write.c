#include "base/base64.h"
#include "base/json_writer.h"
#include "base/time_text.h"
#include "transcode/field_convert.h"
#include "transcode/manual.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_message(struct json_writer *writer, const ProtobufCMessage *message);

/* Readers with doubles (all browsers) would change the last digits: beyond 2^53 whole numbers are text. */
static void write_int64(struct json_writer *writer, int64_t number)
{
    if (number >= -LARGEST_EXACT_WHOLE && number <= LARGEST_EXACT_WHOLE) {
        json_int(writer, number);
        return;
    }
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    json_text(writer, text);
}

static void write_uint64(struct json_writer *writer, uint64_t number)
{
    if (number <= LARGEST_EXACT_WHOLE) {
        json_uint(writer, number);
        return;
    }
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    json_text(writer, text);
}

static void write_time(struct json_writer *writer, int64_t us)
{
    char text[TIME_TEXT_SIZE];
    json_text_n(writer, text, time_text_format(text, us));
}

/* As double a float would show digits that it does not have: 0.1 as 0.10000000149011612. */
static void write_float(struct json_writer *writer, float number)
{
    char text[32];
    if (!isfinite(number)) {
        json_null(writer);
        return;
    }
    int length = 0;
    for (int digits = 6; digits <= 9; digits++) {
        length = snprintf(text, sizeof text, "%.*g", digits, (double)number);
        if (strtof(text, NULL) == number)
            break;
    }
    json_raw(writer, text, (size_t)length);
}

/* Base64 needs no escapes. */
static void write_bytes(struct json_writer *writer, const ProtobufCBinaryData *bytes)
{
    json_raw(writer, "\"", 1);
    base64_encode(writer->out, bytes->data, bytes->len);
    buffer_put_char(writer->out, '"');
}

static void write_enumeration(struct json_writer *writer, const ProtobufCFieldDescriptor *field, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(field->descriptor, number);
    if (value)
        json_text(writer, value->name);
    else
        json_int(writer, number);
}

static void write_value(
    struct json_writer *writer, const ProtobufCFieldDescriptor *field, const union field_value *value)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        json_int(writer, value->int32);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        json_uint(writer, value->uint32);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        if (field_is_time(field))
            write_time(writer, value->int64);
        else
            write_int64(writer, value->int64);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        write_uint64(writer, value->uint64);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        write_float(writer, value->real32);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        json_double(writer, value->real64);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        json_bool(writer, value->boolean);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        write_enumeration(writer, field, value->enumeration);
        break;
    case PROTOBUF_C_TYPE_STRING:
        json_text(writer, value->text);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        write_bytes(writer, &value->bytes);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        write_message(writer, value->message);
        break;
    }
}

static void write_list(
    struct json_writer *writer, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    size_t count = field_count(message, field);
    json_key(writer, field->name);
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        union field_value value = field_get(message, field, i);
        write_value(writer, field, &value);
    }
    json_end_array(writer);
}

/* JSON has no NaN; a field that is not a number is as good as absent. In lists, where places matter, it is null. */
static bool is_writable(const ProtobufCFieldDescriptor *field, const union field_value *value)
{
    if (field->type == PROTOBUF_C_TYPE_DOUBLE)
        return isfinite(value->real64);
    return field->type != PROTOBUF_C_TYPE_FLOAT || isfinite(value->real32);
}

/* GeoJSON, and objects of any form, are kept as text and are JSON already. */
static bool is_json_text(const struct field_manual *manual)
{
    return manual && manual->format && (strcmp(manual->format, "geojson") == 0 || strcmp(manual->format, "json") == 0);
}

static void write_message(struct json_writer *writer, const ProtobufCMessage *message)
{
    const struct message_manual *manuals = message_manual_find(message->descriptor->name);
    json_begin_object(writer);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const struct field_manual *manual = field_manual_find(manuals, field->name);
        if (manual && manual->internal)
            continue;
        if (field_is_repeated(field)) {
            write_list(writer, message, field);
        } else if (field_count(message, field) > 0) {
            union field_value value = field_get(message, field, 0);
            if (!is_writable(field, &value))
                continue;
            json_key(writer, field->name);
            if (is_json_text(manual))
                json_raw(writer, value.text, strlen(value.text));
            else
                write_value(writer, field, &value);
        }
    }
    json_end_object(writer);
}

bool transcode_to_json(struct buffer *out, const ProtobufCMessage *message, struct err *err)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    write_message(&writer, message);
    if (!buffer_ok(out))
        return err_set(err, ERR_LIMIT, "%s as JSON does not fit", message->descriptor->short_name);
    return true;
}
