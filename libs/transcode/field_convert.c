#include "transcode/field_convert.h"
#include "base/base64.h"
#include "base/number.h"
#include "base/text.h"
#include "base/time_text.h"
#include <math.h>
#include <string.h>

static const char wants_whole[] = "a whole number is wanted";
static const char wants_base64[] = "base64 text is wanted";
/* From here on a double no longer rounds to a finite float. */
#define OVERFLOWS_FLOAT 0x1.ffffffp127
#define YEAR_1_US (-62135596800000000)
#define YEAR_10000_US 253402300800000000
static const char out_of_range[] = "is beyond what a number of this kind can be";

enum family { FAMILY_INT32, FAMILY_UINT32, FAMILY_INT64, FAMILY_UINT64, FAMILY_REAL, FAMILY_OTHER };

static enum family family_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return FAMILY_INT32;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return FAMILY_UINT32;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return FAMILY_INT64;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return FAMILY_UINT64;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return FAMILY_REAL;
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return FAMILY_OTHER;
}

const char *field_wanted(const ProtobufCFieldDescriptor *field)
{
    if (field_is_time(field))
        return "a time is wanted, as in 2026-11-24T08:00:00Z";
    if (family_of(field) == FAMILY_REAL)
        return "a number is wanted";
    if (family_of(field) != FAMILY_OTHER)
        return wants_whole;
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return "true or false is wanted";
    case PROTOBUF_C_TYPE_BYTES:
        return wants_base64;
    case PROTOBUF_C_TYPE_MESSAGE:
        return "an object is wanted";
    default:
        return "a text is wanted";
    }
}

bool field_is_text_in_json(const ProtobufCFieldDescriptor *field)
{
    enum family family = family_of(field);
    return family == FAMILY_INT64 || family == FAMILY_UINT64 || field->type == PROTOBUF_C_TYPE_STRING ||
           field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_ENUM;
}

static const char *put_real(const ProtobufCFieldDescriptor *field, double number, union field_value *out_value)
{
    if (field->type == PROTOBUF_C_TYPE_DOUBLE)
        out_value->real64 = number;
    else if (fabs(number) >= OVERFLOWS_FLOAT)
        return out_of_range;
    else
        out_value->real32 = (float)number;
    return NULL;
}

static const char *put_whole(const ProtobufCFieldDescriptor *field, int64_t number, union field_value *out_value)
{
    switch (family_of(field)) {
    case FAMILY_INT32:
        out_value->int32 = (int32_t)number;
        return number >= INT32_MIN && number <= INT32_MAX ? NULL : out_of_range;
    case FAMILY_UINT32:
        out_value->uint32 = (uint32_t)number;
        return number >= 0 && number <= UINT32_MAX ? NULL : out_of_range;
    case FAMILY_UINT64:
        out_value->uint64 = (uint64_t)number;
        return number >= 0 ? NULL : out_of_range;
    default:
        out_value->int64 = number;
        return NULL;
    }
}

const char *field_convert_number(const ProtobufCFieldDescriptor *field, double number, union field_value *out_value)
{
    enum family family = family_of(field);
    if (family == FAMILY_OTHER || field_is_time(field))
        return field_wanted(field);
    if (family == FAMILY_REAL)
        return put_real(field, number, out_value);
    if (number != trunc(number))
        return wants_whole;
    /* Beyond this the digits sent are no longer those we have. */
    if (fabs(number) > (double)LARGEST_EXACT_WHOLE)
        return family == FAMILY_INT64 || family == FAMILY_UINT64 ? "is too large for a JSON number: send it as text"
                                                                 : out_of_range;
    return put_whole(field, (int64_t)number, out_value);
}

/* Above INT64_MAX too, which number_parse_int does not do. */
static bool parse_uint64(const char *text, uint64_t *out_number)
{
    uint64_t number = 0;
    for (const char *at = text; *at; at++)
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return false;
    *out_number = number;
    return *text != '\0';
}

static const char *convert_real(const ProtobufCFieldDescriptor *field, const char *text, union field_value *out_value)
{
    double number;
    size_t length = strlen(text);
    if (length == 0 || number_parse(text, length, &number) != length)
        return field_wanted(field);
    return put_real(field, number, out_value);
}

/* An offset can carry a time out of the years that we can write again. */
static const char *convert_time(const ProtobufCFieldDescriptor *field, const char *text, union field_value *out_value)
{
    if (!time_text_parse(text, strlen(text), &out_value->int64))
        return field_wanted(field);
    bool is_writable = out_value->int64 >= YEAR_1_US && out_value->int64 < YEAR_10000_US;
    return is_writable ? NULL : "is not within the years 1 to 9999 in UTC";
}

static const char *convert_whole(const ProtobufCFieldDescriptor *field, const char *text, union field_value *out_value)
{
    int64_t number;
    if (field_is_time(field))
        return convert_time(field, text, out_value);
    if (family_of(field) == FAMILY_UINT64)
        return parse_uint64(text, &out_value->uint64) ? NULL : wants_whole;
    if (!number_parse_int(text, strlen(text), &number))
        return wants_whole;
    return put_whole(field, number, out_value);
}

static const char *convert_boolean(const char *text, union field_value *out_value)
{
    out_value->boolean = text_equal(text, "true");
    return out_value->boolean || text_equal(text, "false") ? NULL : "true or false is wanted";
}

static const char *convert_enumeration(
    const ProtobufCFieldDescriptor *field, const char *text, union field_value *out_value)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, text);
    if (!value)
        return "is none of the values there are";
    out_value->enumeration = value->value;
    return NULL;
}

static const char *convert_bytes(const char *text, struct check *check, union field_value *out_value)
{
    size_t length = strlen(text);
    out_value->bytes.data = arena_alloc(check->arena, base64_decoded_size(length));
    if (!out_value->bytes.data) {
        check->is_out_of_memory = true;
        return NULL;
    }
    return base64_decode(out_value->bytes.data, &out_value->bytes.len, text, length) ? NULL : wants_base64;
}

static const char *convert_string(const char *text, struct check *check, union field_value *out_value)
{
    if (!text_is_utf8(text, strlen(text)))
        return "is not UTF-8";
    out_value->text = arena_text(check->arena, text);
    check->is_out_of_memory = check->is_out_of_memory || !out_value->text;
    return NULL;
}

const char *field_convert_text(
    const ProtobufCFieldDescriptor *field, const char *text, struct check *check, union field_value *out_value)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return convert_string(text, check, out_value);
    case PROTOBUF_C_TYPE_BYTES:
        return convert_bytes(text, check, out_value);
    case PROTOBUF_C_TYPE_BOOL:
        return convert_boolean(text, out_value);
    case PROTOBUF_C_TYPE_ENUM:
        return convert_enumeration(field, text, out_value);
    case PROTOBUF_C_TYPE_MESSAGE:
        return field_wanted(field);
    default:
        return family_of(field) == FAMILY_REAL ? convert_real(field, text, out_value)
                                               : convert_whole(field, text, out_value);
    }
}
