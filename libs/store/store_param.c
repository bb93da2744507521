/* Parameters on the wire. Where the type is known to us the bytes are binary and typed; text and integers go as text,
 * so that the server takes them as what the statement needs. Binary arrays: dimensions, has-null, element type, items,
 * lower bound, then length and value. */
#include "base/number.h"
#include "store/store_internal.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* From pg_type; fixed since they were made. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_FLOAT8 = 701,
    OID_INT4_ARRAY = 1007,
    OID_TEXT_ARRAY = 1009,
    OID_INT8_ARRAY = 1016,
    OID_FLOAT8_ARRAY = 1022,
    OID_TIMESTAMPTZ = 1184,
    OID_TIMESTAMPTZ_ARRAY = 1185,
};
enum { ARRAY_HEADER_SIZE = 20, MOST_ITEMS = 10 * 1000 * 1000 };

struct store_param store_param_text(const char *text)
{
    if (!text)
        return PARAM_NULL;
    return (struct store_param){ .type = STORE_TEXT, .data = text, .size = strlen(text) };
}

static char *put_u32(char *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static char *put_u64(char *at, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static char *put_array_header(char *at, uint32_t element, size_t items, bool has_null)
{
    at = put_u32(at, items > 0 ? 1 : 0);
    at = put_u32(at, has_null);
    at = put_u32(at, element);
    at = put_u32(at, (uint32_t)items);
    return put_u32(at, 1);
}

static bool encode_numbers(struct buffer *scratch, const struct store_param *param, uint32_t element)
{
    size_t item_size = element == OID_INT4 ? 4 : 8;
    size_t size = ARRAY_HEADER_SIZE + param->size * (4 + item_size);
    char *at = buffer_room(scratch, size);
    if (!at)
        return false;
    at = put_array_header(at, element, param->size, false);
    for (size_t i = 0; i < param->size; i++) {
        at = put_u32(at, (uint32_t)item_size);
        if (element == OID_INT4)
            at = put_u32(at, (uint32_t)((const int32_t *)param->data)[i]);
        else if (element == OID_INT8)
            at = put_u64(at, (uint64_t)((const int64_t *)param->data)[i]);
        else if (element == OID_FLOAT8)
            at = put_u64(at, bits_of(((const double *)param->data)[i]));
        else
            at = put_u64(at, (uint64_t)store_time_of(((const int64_t *)param->data)[i]));
    }
    /* An empty array has no dimension, and so neither items nor a bound. */
    buffer_claim(scratch, param->size > 0 ? size : ARRAY_HEADER_SIZE - 8);
    return true;
}

static bool encode_texts(struct buffer *scratch, const struct store_param *param)
{
    const char *const *items = param->data;
    size_t size = ARRAY_HEADER_SIZE;
    bool has_null = false;
    for (size_t i = 0; i < param->size; i++) {
        has_null = has_null || !items[i];
        if (__builtin_add_overflow(size, 4 + (items[i] ? strlen(items[i]) : 0), &size) || size > INT_MAX)
            return false;
    }
    char *at = buffer_room(scratch, size);
    if (!at)
        return false;
    at = put_array_header(at, OID_TEXT, param->size, has_null);
    for (size_t i = 0; i < param->size; i++) {
        size_t length = items[i] ? strlen(items[i]) : 0;
        at = put_u32(at, items[i] ? (uint32_t)length : UINT32_MAX);
        if (length > 0)
            memcpy(at, items[i], length);
        at += length;
    }
    buffer_claim(scratch, param->size > 0 ? size : ARRAY_HEADER_SIZE - 8);
    return true;
}

static bool encode_scalar(struct buffer *scratch, const struct store_param *param)
{
    char bytes[8];
    if (param->type == STORE_INT) {
        buffer_printf(scratch, "%lld", (long long)param->number);
        buffer_put_char(scratch, '\0');
    } else if (param->type == STORE_BOOL) {
        buffer_put_char(scratch, param->number != 0);
    } else {
        put_u64(bytes, param->type == STORE_DOUBLE ? bits_of(param->real) : (uint64_t)store_time_of(param->number));
        buffer_put(scratch, bytes, sizeof bytes);
    }
    return buffer_ok(scratch);
}

struct shape {
    uint32_t type;    /* 0: the server knows better */
    uint32_t element; /* of an array */
    bool is_binary;
};

static const struct shape shapes[] = {
    [STORE_NULL] = { 0, 0, false },
    [STORE_TEXT] = { 0, 0, false },
    [STORE_INT] = { 0, 0, false },
    [STORE_DOUBLE] = { OID_FLOAT8, 0, true },
    [STORE_BOOL] = { OID_BOOL, 0, true },
    [STORE_BYTES] = { OID_BYTEA, 0, true },
    [STORE_TIME] = { OID_TIMESTAMPTZ, 0, true },
    [STORE_INT4_ARRAY] = { OID_INT4_ARRAY, OID_INT4, true },
    [STORE_INT8_ARRAY] = { OID_INT8_ARRAY, OID_INT8, true },
    [STORE_DOUBLE_ARRAY] = { OID_FLOAT8_ARRAY, OID_FLOAT8, true },
    [STORE_TIME_ARRAY] = { OID_TIMESTAMPTZ_ARRAY, OID_TIMESTAMPTZ, true },
    [STORE_TEXT_ARRAY] = { OID_TEXT_ARRAY, OID_TEXT, true },
};

static bool encode_one(struct buffer *scratch, const struct store_param *param)
{
    const struct shape *shape = &shapes[param->type];
    if (param->type == STORE_TEXT_ARRAY)
        return param->size <= MOST_ITEMS && encode_texts(scratch, param);
    if (shape->element)
        return param->size <= MOST_ITEMS && encode_numbers(scratch, param, shape->element);
    return encode_scalar(scratch, param);
}

static bool is_borrowed(const struct store_param *param)
{
    return param->type == STORE_NULL || param->type == STORE_TEXT || param->type == STORE_BYTES;
}

bool store_params_encode(struct encoded_params *encoded, struct buffer *scratch, const struct store_param *params,
    size_t count, struct err *err)
{
    size_t offsets[STORE_MOST_PARAMS];
    if (count > STORE_MOST_PARAMS)
        return err_set(err, ERR_BUG, "a statement has at most %d parameters", STORE_MOST_PARAMS);
    buffer_reset(scratch);
    for (size_t i = 0; i < count; i++) {
        const struct store_param *param = &params[i];
        offsets[i] = scratch->size;
        if (!is_borrowed(param) && !encode_one(scratch, param))
            return err_set(err, ERR_LIMIT, "parameter %zu is too large", i + 1);
        size_t size = is_borrowed(param) ? param->size : scratch->size - offsets[i];
        if (size > INT_MAX)
            return err_set(err, ERR_LIMIT, "parameter %zu is too large", i + 1);
        encoded->lengths[i] = (int)size;
        encoded->types[i] = shapes[param->type].type;
        encoded->formats[i] = shapes[param->type].is_binary;
    }
    for (size_t i = 0; i < count; i++) { /* only now: the scratch may have moved */
        const struct store_param *param = &params[i];
        const char *borrowed = param->data ? param->data : "";
        encoded->values[i] = param->type == STORE_NULL ? NULL
                             : is_borrowed(param)      ? borrowed
                                                       : scratch->data + offsets[i];
    }
    return true;
}
