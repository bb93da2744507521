#include "field.h"
#include "base/number.h"
#include "base/uuid.h"
#include "transcode/field_value.h"
#include "transcode/geojson.h"
#include <ctype.h>
#include <string.h>

enum { LONGEST_CODE = 64, LONGEST_NAME = 200 };

/* Whether there is something to look at; tells when it is missing. */
static bool is_given(struct rpc_call *call, struct err *err, const char *field, const char *text, bool is_required)
{
    if (!text && is_required)
        rpc_violation(call, err, field, "is required");
    return text != NULL;
}

void field_code(struct rpc_call *call, struct err *err, const char *code, bool is_required)
{
    if (!code) {
        (void)is_given(call, err, "code", code, is_required);
        return;
    }
    size_t length = strnlen(code, LONGEST_CODE + 1);
    bool ok = length >= 1 && length <= LONGEST_CODE;
    for (size_t i = 0; ok && i < length; i++)
        ok = isalnum((unsigned char)code[i]) || strchr("-_.:/", code[i]);
    if (!ok)
        rpc_violation(call, err, "code", "must have 1 to 64 letters, digits or - _ . : /");
}

void field_name(struct rpc_call *call, struct err *err, const char *name, bool is_required)
{
    if (!is_given(call, err, "name", name, is_required))
        return;
    if (!*name || strnlen(name, LONGEST_NAME + 1) > LONGEST_NAME)
        rpc_violation(call, err, "name", "must have 1 to 200 bytes");
}

void field_text(struct rpc_call *call, struct err *err, const char *field, const char *text, size_t most)
{
    if (text && (!*text || strnlen(text, most + 1) > most))
        rpc_violation(call, err, field, "must have 1 to %zu bytes", most);
}

static bool is_among(const char *text, const char *choices)
{
    size_t length = strlen(text);
    for (const char *at = choices; length > 0; at++) {
        size_t choice = strcspn(at, "|");
        if (choice == length && memcmp(at, text, length) == 0)
            return true;
        at += choice;
        if (!*at)
            break;
    }
    return false;
}

void field_choice(
    struct rpc_call *call, struct err *err, const char *field, const char *text, const char *choices, bool is_required)
{
    if (!text) {
        (void)is_given(call, err, field, text, is_required);
        return;
    }
    if (!is_among(text, choices))
        rpc_violation(call, err, field, "must be one of %s", choices);
}

void field_reference(struct rpc_call *call, struct err *err, const char *field, const char *id, bool is_required)
{
    struct uuid uuid;
    if (is_given(call, err, field, id, is_required) && !uuid_parse(id, strlen(id), &uuid))
        rpc_violation(call, err, field, "must be a UUID");
}

void field_number(
    struct rpc_call *call, struct err *err, const char *field, bool is_there, double value, double min, double max)
{
    char least[NUMBER_TEXT_SIZE], most[NUMBER_TEXT_SIZE];
    if (!is_there || (value >= min && value <= max)) /* neither holds for NaN */
        return;
    number_format(least, min);
    number_format(most, max);
    rpc_violation(call, err, field, "must be between %s and %s", least, most);
}

void field_position(struct rpc_call *call, struct err *err, const ProtobufCMessage *message)
{
    static const struct {
        const char *field;
        double min, max;
    } parts[] = { { "latitude", -90, 90 }, { "longitude", -180, 180 }, { "elevation_m", -500, 9000 } };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(message->descriptor, parts[i].field);
        if (field && field_count(message, field) > 0)
            field_number(
                call, err, parts[i].field, true, field_get(message, field, 0).real64, parts[i].min, parts[i].max);
    }
}

void field_geometry(struct rpc_call *call, struct err *err, const char *geometry, const char *types)
{
    struct err why = { 0 };
    if (geometry && !geojson_check(geometry, types, &why))
        rpc_violation(call, err, "geometry", "%s", why.text);
}
