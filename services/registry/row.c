#include "row.h"
#include "transcode/field_value.h"
#include <string.h>

char *row_text(struct row *row, size_t column)
{
    char *text = store_result_copy(row->rows, row->number, column, row->arena);
    row->is_cut = row->is_cut || (!text && !store_result_is_null(row->rows, row->number, column));
    return text;
}

bool row_int(const struct row *row, size_t column, int64_t *out_value)
{
    *out_value = store_result_int(row->rows, row->number, column);
    return !store_result_is_null(row->rows, row->number, column);
}

bool row_double(const struct row *row, size_t column, double *out_value)
{
    *out_value = store_result_double(row->rows, row->number, column);
    return !store_result_is_null(row->rows, row->number, column);
}

bool row_time(const struct row *row, size_t column, int64_t *out_us)
{
    *out_us = store_result_time(row->rows, row->number, column);
    return !store_result_is_null(row->rows, row->number, column);
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *type, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(type, name);
}

/* False if the field is of a type that no column has. */
static bool read_value(
    struct row *row, size_t column, const ProtobufCFieldDescriptor *field, union field_value *out_value)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        out_value->text = row_text(row, column);
        return true;
    case PROTOBUF_C_TYPE_INT32:
        out_value->int32 = (int32_t)store_result_int(row->rows, row->number, column);
        return true;
    case PROTOBUF_C_TYPE_INT64:
        if (field_is_time(field))
            (void)row_time(row, column, &out_value->int64);
        else
            (void)row_int(row, column, &out_value->int64);
        return true;
    case PROTOBUF_C_TYPE_DOUBLE:
        (void)row_double(row, column, &out_value->real64);
        return true;
    case PROTOBUF_C_TYPE_BOOL:
        out_value->boolean = store_result_bool(row->rows, row->number, column);
        return true;
    default:
        return false;
    }
}

bool row_fill(struct row *row, const struct entity *entity, ProtobufCMessage *message, struct err *err)
{
    for (size_t i = 0; entity->columns[i].name; i++) {
        const ProtobufCFieldDescriptor *field = field_of(entity->descriptor, entity->columns[i].name);
        union field_value value = { 0 };
        if (!field || !read_value(row, i, field, &value))
            return err_set(err, ERR_BUG, "a %s has no field for its column %s", entity->noun, entity->columns[i].name);
        if (!store_result_is_null(row->rows, row->number, i))
            field_put(message, field, &value);
    }
    return !row->is_cut || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

struct store_param row_param(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = field_of(message->descriptor, name);
    if (!field || field_is_repeated(field) || field_count(message, field) == 0)
        return PARAM_NULL;
    union field_value value = field_get(message, field, 0);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return PARAM_TEXT(value.text);
    case PROTOBUF_C_TYPE_INT32:
        return PARAM_INT(value.int32);
    case PROTOBUF_C_TYPE_INT64:
        return field_is_time(field) ? PARAM_TIME(value.int64) : PARAM_INT(value.int64);
    case PROTOBUF_C_TYPE_DOUBLE:
        return PARAM_DOUBLE(value.real64);
    case PROTOBUF_C_TYPE_BOOL:
        return PARAM_BOOL(value.boolean);
    default:
        return PARAM_NULL;
    }
}

static bool is_cleared(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *list = field_of(message->descriptor, "clear");
    for (size_t i = 0; list && i < field_count(message, list); i++)
        if (strcmp(field_get(message, list, i).text, name) == 0)
            return true;
    return false;
}

bool row_is_given(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = field_of(message->descriptor, name);
    return (field && field_count(message, field) > 0) || is_cleared(message, name);
}
