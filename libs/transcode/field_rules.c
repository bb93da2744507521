#include "transcode/field_rules.h"
#include "base/number.h"
#include "base/text.h"
#include "base/uuid.h"
#include "transcode/field_value.h"
#include "transcode/manual.h"
#include <string.h>

static bool number_of(const ProtobufCFieldDescriptor *field, const union field_value *value, double *out_number)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        *out_number = value->int32;
        return true;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        *out_number = value->uint32;
        return true;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        *out_number = (double)value->int64;
        return true;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        *out_number = (double)value->uint64;
        return true;
    case PROTOBUF_C_TYPE_FLOAT:
        *out_number = (double)value->real32;
        return true;
    case PROTOBUF_C_TYPE_DOUBLE:
        *out_number = value->real64;
        return true;
    default:
        return false;
    }
}

static void check_number(
    struct check *check, const struct place *place, const struct field_manual *manual, double number)
{
    char least[NUMBER_TEXT_SIZE], most[NUMBER_TEXT_SIZE];
    number_format(least, manual->min);
    number_format(most, manual->max);
    bool is_low = manual->has_min && number < manual->min, is_high = manual->has_max && number > manual->max;
    if (!is_low && !is_high)
        return;
    if (manual->has_min && manual->has_max)
        check_violation(check, place, "must be from %s to %s", least, most);
    else if (is_low)
        check_violation(check, place, "must be at least %s", least);
    else
        check_violation(check, place, "must be at most %s", most);
}

static void check_length(
    struct check *check, const struct place *place, const struct field_manual *manual, size_t length)
{
    bool is_short = manual->length_min >= 0 && length < (size_t)manual->length_min;
    bool is_long = manual->length_max >= 0 && length > (size_t)manual->length_max;
    if (!is_short && !is_long)
        return;
    if (manual->length_min >= 0 && manual->length_max >= 0)
        check_violation(check, place, "must be %ld to %ld bytes long", manual->length_min, manual->length_max);
    else if (is_short)
        check_violation(check, place, "must be at least %ld bytes long", manual->length_min);
    else
        check_violation(check, place, "must be at most %ld bytes long", manual->length_max);
}

static bool is_one_of(const char *allowed, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = allowed; *at;) {
        size_t word = strcspn(at, "|");
        if (word == length && memcmp(at, text, length) == 0)
            return true;
        at += word + (at[word] == '|');
    }
    return false;
}

static void check_choice(
    struct check *check, const struct place *place, const struct field_manual *manual, const char *text)
{
    char list[384];
    size_t used = 0;
    if (is_one_of(manual->in, text))
        return;
    for (const char *at = manual->in; *at && used + 3 < sizeof list; at++) {
        list[used++] = *at == '|' ? ',' : *at;
        if (*at == '|')
            list[used++] = ' ';
    }
    list[used] = '\0';
    check_violation(check, place, "must be one of %s", list);
}

static bool is_code(const char *text)
{
    for (const char *at = text; *at; at++) {
        bool is_letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        if (!is_letter && !(*at >= '0' && *at <= '9') && !strchr("-_.:/", *at))
            return false;
    }
    return *text != '\0';
}

static void check_text(
    struct check *check, const struct place *place, const struct field_manual *manual, const char *text)
{
    struct uuid uuid;
    if (text_equal(manual->format, "geojson") || text_equal(manual->format, "json"))
        return; /* checked as it is read; @in names types of geometries */
    check_length(check, place, manual, strlen(text));
    if (manual->in)
        check_choice(check, place, manual, text);
    if (text_equal(manual->format, "code") && !is_code(text))
        check_violation(check, place, "may have letters, digits and - _ . : / only");
    if (text_equal(manual->format, "uuid") && !uuid_parse(text, strlen(text), &uuid))
        check_violation(check, place, "must be a UUID, as in 0190a5c4-7e2b-7d3a-9c41-2f6d8e1b7a55");
}

static void check_value(struct check *check, const struct place *place, const ProtobufCFieldDescriptor *field,
    const struct field_manual *manual, const union field_value *value, bool check_required)
{
    double number;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        field_rules_check(check, value->message, place, check_required);
    else if (!manual)
        return;
    else if (field->type == PROTOBUF_C_TYPE_STRING)
        check_text(check, place, manual, value->text);
    else if (field->type == PROTOBUF_C_TYPE_BYTES)
        check_length(check, place, manual, value->bytes.len);
    else if (number_of(field, value, &number))
        check_number(check, place, manual, number);
}

static void check_field(struct check *check, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    const struct field_manual *manual, const struct place *parent, bool check_required)
{
    struct place place = { .parent = parent, .field = field->name };
    size_t count = field_count(message, field);
    if (check_required && count == 0 && manual && manual->required && !manual->readonly)
        check_violation(check, &place, "is required");
    for (size_t i = 0; i < count; i++) {
        union field_value value = field_get(message, field, i);
        place.index = i;
        place.has_index = field_is_repeated(field);
        check_value(check, &place, field, manual, &value, check_required);
    }
}

void field_rules_check(
    struct check *check, const ProtobufCMessage *message, const struct place *parent, bool check_required)
{
    const struct message_manual *manual = message_manual_find(message->descriptor->name);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        check_field(check, message, field, field_manual_find(manual, field->name), parent, check_required);
    }
}

void field_rules_check_field(
    struct check *check, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const struct message_manual *manual = message_manual_find(message->descriptor->name);
    check_field(check, message, field, field_manual_find(manual, field->name), NULL, false);
}
