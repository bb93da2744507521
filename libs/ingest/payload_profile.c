#include "ingest/payload_profile.h"
#include "ingest/json_scan.h"
#include "ingest/unit.h"
#include <math.h>
#include <string.h>

enum { LONGEST_SENSOR = 64, LARGEST_PLACE = 65536, MOST_IN_A_ROW = 10000 };
#define LONGEST_STEP_S 31622400.0 /* a year */

struct parser {
    struct json_scan scan;
    struct arena *arena;
};
/* What a member is, and where its value goes. */
typedef bool read_value(struct parser *parser, void *target);
struct member {
    const char *name;
    read_value *read;
    size_t offset;
};

static bool fail(struct parser *parser, const char *problem)
{
    return json_scan_fail(&parser->scan, problem);
}

static bool is(const struct json_text *text, const char *wanted)
{
    return text->length == strlen(wanted) && memcmp(text->bytes, wanted, text->length) == 0;
}

/* An object whose members are all known, each once. */
static bool read_object(struct parser *parser, const struct member *members, size_t count, void *target)
{
    uint32_t seen = 0;
    if (!json_scan_take(&parser->scan, '{', "expected an object"))
        return false;
    bool has_more = !json_scan_is_empty(&parser->scan, '}');
    while (has_more) {
        struct json_text name;
        size_t i = 0;
        if (!json_scan_name(&parser->scan, &name))
            return false;
        while (i < count && !is(&name, members[i].name))
            i++;
        if (i == count)
            return fail(parser, "the member is not known");
        if (seen & UINT32_C(1) << i)
            return fail(parser, "the member is given twice");
        seen |= UINT32_C(1) << i;
        if (!members[i].read(parser, (char *)target + members[i].offset) ||
            !json_scan_next(&parser->scan, '}', &has_more))
            return false;
    }
    return true;
}

/* ---- values ---- */
static bool read_word(struct parser *parser, const char *const *words, size_t count, const char *problem, int *out)
{
    struct json_text text;
    if (json_scan_peek(&parser->scan) != '"')
        return fail(parser, problem);
    if (!json_scan_text(&parser->scan, &text))
        return false;
    for (size_t i = 0; i < count; i++)
        if (is(&text, words[i])) {
            *out = (int)i;
            return true;
        }
    return fail(parser, problem);
}

static bool read_number(struct parser *parser, void *target)
{
    return json_scan_number(&parser->scan, target) == JSON_NUMBER || fail(parser, "expected a number");
}

static bool read_count(struct parser *parser, void *target)
{
    uint32_t *count = target;
    double number;
    if (json_scan_number(&parser->scan, &number) != JSON_NUMBER || number < 0 || number > LARGEST_PLACE ||
        number != floor(number))
        return fail(parser, "expected a whole number from 0 to 65536");
    *count = (uint32_t)number;
    return true;
}

static bool read_name(struct parser *parser, void *target)
{
    const char **name = target;
    struct json_text text;
    if (json_scan_peek(&parser->scan) != '"')
        return fail(parser, "expected a text");
    if (!json_scan_text(&parser->scan, &text))
        return false;
    if (text.length == 0 || text.length > LONGEST_SENSOR || memchr(text.bytes, '\0', text.length))
        return fail(parser, "expected a text of 1 to 64 bytes");
    *name = arena_text_n(parser->arena, text.bytes, text.length);
    parser->scan.is_out_of_memory = !*name;
    return *name || fail(parser, "no memory");
}

static bool read_format(struct parser *parser, void *target)
{
    static const char *const words[] = { "binary", "cayenne-lpp" };
    int word = 0;
    if (!read_word(parser, words, COUNT_OF(words), "format is binary or cayenne-lpp", &word))
        return false;
    *(enum payload_format *)target = (enum payload_format)word;
    return true;
}

static bool read_endian(struct parser *parser, void *target)
{
    static const char *const words[] = { "big", "little" };
    int word = 0;
    if (!read_word(parser, words, COUNT_OF(words), "endian is big or little", &word))
        return false;
    *(bool *)target = word == 1;
    return true;
}

static bool read_role(struct parser *parser, void *target)
{
    static const char *const words[] = { "value", "time", "age", "status" };
    int word = 0;
    if (!read_word(parser, words, COUNT_OF(words), "is: value, time, age or status", &word))
        return false;
    *(enum payload_role *)target = (enum payload_role)word;
    return true;
}

static bool read_type(struct parser *parser, void *target)
{
    static const char *const words[] = { "uint", "int", "float" };
    int word = 0;
    if (!read_word(parser, words, COUNT_OF(words), "type is uint, int or float", &word))
        return false;
    *(enum payload_type *)target = (enum payload_type)word;
    return true;
}

static bool read_own_endian(struct parser *parser, void *target)
{
    struct payload_field *field = target;
    field->has_endian = true;
    return read_endian(parser, &field->is_little);
}

/* A list, each of whose items `item` reads. */
static bool read_list(struct parser *parser, bool (*item)(struct parser *parser, void *target), void *target)
{
    if (!json_scan_take(&parser->scan, '[', "expected a list"))
        return false;
    bool has_more = !json_scan_is_empty(&parser->scan, ']');
    while (has_more)
        if (!item(parser, target) || !json_scan_next(&parser->scan, ']', &has_more))
            return false;
    return true;
}

static bool read_one_invalid(struct parser *parser, void *target)
{
    struct payload_field *field = target;
    if (field->invalid_count == PAYLOAD_MOST_INVALID)
        return fail(parser, "invalid has more than 8 values");
    return read_number(parser, &field->invalid[field->invalid_count++]);
}

static bool read_invalid(struct parser *parser, void *target)
{
    return read_list(parser, read_one_invalid, target);
}

struct flag_numbers {
    double mask, status;
};
static bool read_flag(struct parser *parser, void *target)
{
    static const struct member members[] = { { "mask", read_number, offsetof(struct flag_numbers, mask) },
        { "status", read_number, offsetof(struct flag_numbers, status) } };
    struct payload_field *field = target;
    struct flag_numbers numbers = { 0 };
    if (field->flag_count == PAYLOAD_MOST_FLAGS)
        return fail(parser, "flags has more than 16 entries");
    if (!read_object(parser, members, COUNT_OF(members), &numbers))
        return false;
    if (!(numbers.mask >= 1 && numbers.mask <= 0x1p53) || numbers.mask != floor(numbers.mask) ||
        !(numbers.status >= 0 && numbers.status <= UINT32_MAX) || numbers.status != floor(numbers.status))
        return fail(parser, "a flag is {\"mask\": a whole number from 1, \"status\": an OPC UA status}");
    field->flags[field->flag_count++] = (struct payload_flag){ (uint64_t)numbers.mask, (uint32_t)numbers.status };
    return true;
}

static bool read_flags(struct parser *parser, void *target)
{
    return read_list(parser, read_flag, target);
}

/* ---- fields ---- */
static const char *wrong_with(const struct payload_field *field)
{
    if (field->bits < 1 || field->bits > 64)
        return "bits is from 1 to 64";
    if (field->bit > 7)
        return "bit is from 0 to 7";
    if (field->type == PAYLOAD_FLOAT && field->bits != 32 && field->bits != 64)
        return "a float has 32 or 64 bits";
    if ((field->role == PAYLOAD_VALUE) != (field->sensor != NULL))
        return "a value names its sensor, and nothing else does";
    if (field->role != PAYLOAD_VALUE && (field->count != 1 || field->unit || field->invalid_count > 0))
        return "count, unit and invalid are for values";
    if ((field->role == PAYLOAD_STATUS) != (field->flag_count > 0))
        return "a status has flags, and nothing else does";
    if (field->count > MOST_IN_A_ROW || fabs(field->step_s) > LONGEST_STEP_S)
        return "count is up to 10000, and step_s up to a year";
    if (field->unit && !unit_find(field->unit, strlen(field->unit)))
        return "the unit is not known";
    return NULL;
}

static bool read_field(struct parser *parser, void *target)
{
#define AT(name) offsetof(struct payload_field, name)
    static const struct member members[] = { { "is", read_role, AT(role) }, { "sensor", read_name, AT(sensor) },
        { "unit", read_name, AT(unit) }, { "at", read_count, AT(at) }, { "bit", read_count, AT(bit) },
        { "bits", read_count, AT(bits) }, { "count", read_count, AT(count) }, { "stride", read_count, AT(stride) },
        { "type", read_type, AT(type) }, { "endian", read_own_endian, 0 }, { "scale", read_number, AT(scale) },
        { "add", read_number, AT(add) }, { "step_s", read_number, AT(step_s) }, { "epoch_s", read_number, AT(epoch_s) },
        { "utc_offset_s", read_number, AT(utc_offset_s) }, { "invalid", read_invalid, 0 }, { "flags", read_flags, 0 } };
#undef AT
    struct payload_profile *profile = target;
    if (profile->field_count == PAYLOAD_MOST_FIELDS)
        return fail(parser, "more than 64 fields");
    struct payload_field *field = &profile->fields[profile->field_count++];
    *field = (struct payload_field){ .scale = 1, .count = 1 };
    if (!read_object(parser, members, COUNT_OF(members), field))
        return false;
    const char *wrong = wrong_with(field);
    if (field->stride == 0)
        field->stride = field->bits;
    return !wrong || fail(parser, wrong);
}

static bool read_fields(struct parser *parser, void *target)
{
    return read_list(parser, read_field, target);
}

static bool read_profile(struct parser *parser, struct payload_profile *profile)
{
    static const struct member members[] = { { "format", read_format, offsetof(struct payload_profile, format) },
        { "endian", read_endian, offsetof(struct payload_profile, is_little) }, { "fields", read_fields, 0 } };
    if (!read_object(parser, members, COUNT_OF(members), profile) || !json_scan_end(&parser->scan))
        return false;
    if ((profile->format == PAYLOAD_BINARY) != (profile->field_count > 0))
        return fail(parser, "binary has fields, cayenne-lpp has none");
    for (size_t i = 0; i < profile->field_count; i++)
        if (!profile->fields[i].has_endian)
            profile->fields[i].is_little = profile->is_little;
    return true;
}

bool payload_profile_parse(
    struct payload_profile *out_profile, struct arena *arena, const char *json, size_t size, struct err *err)
{
    struct parser parser = { .arena = arena };
    struct payload_profile profile = { .fields =
                                           arena_alloc_array(arena, PAYLOAD_MOST_FIELDS, sizeof *profile.fields) };
    if (!profile.fields)
        return err_set(err, ERR_LIMIT, "no memory left for the payload profile");
    if (size > PAYLOAD_PROFILE_LONGEST)
        return err_set(err, ERR_INPUT, "is longer than %d bytes", PAYLOAD_PROFILE_LONGEST);
    if (!json_scan_begin(&parser.scan, arena, json, size) || !read_profile(&parser, &profile))
        return json_scan_err(&parser.scan, err);
    *out_profile = profile;
    return true;
}
