#include "modbus_profile.h"
#include "base/text.h"
#include "ingest/json_scan.h"
#include "modbus_blocks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BYTES = 256 * 1024,
    LEAST_PERIOD_S = 1,
    MOST_PERIOD_S = 86400,
    LEAST_TIMEOUT_MS = 50,
    MOST_TIMEOUT_MS = 10000,
    USUAL_PERIOD_S = 60,
    USUAL_TIMEOUT_MS = 1000,
    USUAL_PORT = 502
};

struct reading {
    struct json_scan scan;
    struct modbus_profile *profile;
    struct modbus_point *point; /* that is being read */
    bool has_modbus, has_address, has_registers;
};

static bool is(const struct json_text *name, const char *wanted)
{
    return name->length == strlen(wanted) && memcmp(name->bytes, wanted, name->length) == 0;
}

/* ---- values ---- */
static bool take_number(struct reading *reading, double *out_number)
{
    return json_scan_number(&reading->scan, out_number) == JSON_NUMBER ||
           json_scan_fail(&reading->scan, "a number is wanted");
}

/* What is outside is not given: converted to a type that is too small for it, it would be undefined. */
static bool take_whole(struct reading *reading, double least, double most, double *out_number)
{
    double number = 0;
    if (!take_number(reading, &number))
        return false;
    if (!(number >= least && number <= most && number == floor(number)))
        return json_scan_fail(&reading->scan, "the number is outside of what can be");
    *out_number = number;
    return true;
}

static bool take_text(struct reading *reading, char *target, size_t size)
{
    struct json_text text;
    return json_scan_text(&reading->scan, &text) &&
           ((text.length > 0 && !memchr(text.bytes, '\0', text.length) &&
                text_copy(target, size, text.bytes, text.length)) ||
               json_scan_fail(&reading->scan, "the text is empty or too long"));
}

/* The place of the word in words. */
static bool take_word(struct reading *reading, const char *const words[], size_t count, size_t *out_place)
{
    struct json_text text;
    if (!json_scan_text(&reading->scan, &text))
        return false;
    for (size_t i = 0; i < count; i++)
        if (is(&text, words[i])) {
            *out_place = i;
            return true;
        }
    return json_scan_fail(&reading->scan, "a word that is not known here");
}

/* ---- objects: each member to take ---- */
typedef bool member_taker(struct reading *reading, const struct json_text *name);

static bool take_object(struct reading *reading, member_taker *take)
{
    struct json_scan *scan = &reading->scan;
    struct json_text name;
    bool more = true;
    if (!json_scan_take(scan, '{', "an object is wanted"))
        return false;
    if (json_scan_is_empty(scan, '}'))
        return true;
    while (more)
        if (!json_scan_name(scan, &name) || !take(reading, &name) || !json_scan_next(scan, '}', &more))
            return false;
    return true;
}

typedef bool item_taker(struct reading *reading);
static bool take_list(struct reading *reading, item_taker *take)
{
    struct json_scan *scan = &reading->scan;
    bool more = true;
    if (!json_scan_take(scan, '[', "a list is wanted"))
        return false;
    if (json_scan_is_empty(scan, ']'))
        return true;
    while (more)
        if (!take(reading) || !json_scan_next(scan, ']', &more))
            return false;
    return true;
}

static bool take_invalid(struct reading *reading)
{
    struct modbus_point *point = reading->point;
    if (point->invalid_count == MODBUS_MOST_INVALID)
        return json_scan_fail(&reading->scan, "at most 4 invalid values");
    return take_number(reading, &point->invalid[point->invalid_count++]);
}

static bool take_order(struct reading *reading)
{
    static const char *const orders[] = { "abcd", "badc", "cdab", "dcba" };
    size_t place = 0;
    if (!take_word(reading, orders, COUNT_OF(orders), &place))
        return false;
    reading->point->swaps_bytes = place & 1;
    reading->point->swaps_words = place & 2;
    return true;
}

static bool take_address(struct reading *reading)
{
    double number = 0;
    if (!take_whole(reading, 0, UINT16_MAX, &number))
        return false;
    reading->point->address = (uint16_t)number;
    reading->has_address = true;
    return true;
}

static bool take_table(struct reading *reading)
{
    static const char *const tables[MODBUS_TABLES] = { "coil", "discrete", "holding", "input" };
    size_t place = 0;
    if (!take_word(reading, tables, MODBUS_TABLES, &place))
        return false;
    reading->point->table = (enum modbus_table)place;
    return true;
}

static bool take_type(struct reading *reading)
{
    static const char *const types[MODBUS_TYPES] = { "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64",
        "float32", "float64" };
    size_t place = 0;
    if (!take_word(reading, types, MODBUS_TYPES, &place))
        return false;
    reading->point->type = (enum modbus_type)place;
    return true;
}

static bool take_point_member(struct reading *reading, const struct json_text *name)
{
    struct modbus_point *point = reading->point;
    if (is(name, "sensor"))
        return take_text(reading, point->sensor, sizeof point->sensor);
    if (is(name, "unit"))
        return take_text(reading, point->unit, sizeof point->unit);
    if (is(name, "table"))
        return take_table(reading);
    if (is(name, "address"))
        return take_address(reading);
    if (is(name, "type"))
        return take_type(reading);
    if (is(name, "order"))
        return take_order(reading);
    if (is(name, "scale"))
        return take_number(reading, &point->scale);
    if (is(name, "offset"))
        return take_number(reading, &point->offset);
    if (is(name, "invalid"))
        return take_list(reading, take_invalid);
    return json_scan_fail(
        &reading->scan, "a register has sensor, unit, table, address, type, order, scale, offset, invalid");
}

static bool check_point(struct reading *reading)
{
    struct modbus_point *point = reading->point;
    size_t registers = modbus_type_registers(point->type);
    bool is_bits = point->table == MODBUS_COIL || point->table == MODBUS_DISCRETE;
    if (!reading->has_address)
        return json_scan_fail(&reading->scan, "a register needs an address");
    if (is_bits && point->type != MODBUS_BOOL)
        return json_scan_fail(&reading->scan, "coils and discrete inputs are of the type bool");
    return point->address + registers - 1 <= UINT16_MAX ||
           json_scan_fail(&reading->scan, "the register reaches beyond the last address");
}

static bool take_point(struct reading *reading)
{
    struct modbus_profile *profile = reading->profile;
    if (profile->point_count == MODBUS_MOST_POINTS)
        return json_scan_fail(&reading->scan, "at most 512 registers");
    reading->point = &profile->points[profile->point_count++];
    *reading->point = (struct modbus_point){ .table = MODBUS_HOLDING, .type = MODBUS_UINT16, .scale = 1 };
    reading->has_address = false;
    return take_object(reading, take_point_member) && check_point(reading) &&
           (reading->point->sensor[0] != '\0' || json_scan_fail(&reading->scan, "a register needs a sensor"));
}

static bool take_quality_member(struct reading *reading, const struct json_text *name)
{
    double number = 0;
    if (is(name, "table"))
        return take_table(reading);
    if (is(name, "address"))
        return take_address(reading);
    if (!is(name, "bad") && !is(name, "uncertain"))
        return json_scan_fail(&reading->scan, "quality has table, address, bad, uncertain");
    if (!take_whole(reading, 0, UINT16_MAX, &number))
        return false;
    *(is(name, "bad") ? &reading->profile->bad_bits : &reading->profile->uncertain_bits) = (uint16_t)number;
    return true;
}

static bool take_quality(struct reading *reading)
{
    reading->point = &reading->profile->quality;
    *reading->point = (struct modbus_point){ .table = MODBUS_HOLDING, .type = MODBUS_UINT16, .scale = 1 };
    reading->has_address = false;
    reading->profile->has_quality = true;
    return take_object(reading, take_quality_member) && check_point(reading);
}

/* A whole number of some milliseconds; the member is in unit_ms. */
static bool take_time(struct reading *reading, double least, double most, int64_t unit_ms, int64_t *out_ms)
{
    double number = 0;
    if (!take_whole(reading, least, most, &number))
        return false;
    *out_ms = (int64_t)number * unit_ms;
    return true;
}

static bool take_modbus_member(struct reading *reading, const struct json_text *name)
{
    struct modbus_profile *profile = reading->profile;
    double number = 0;
    if (is(name, "host"))
        return take_text(reading, profile->host, sizeof profile->host);
    if (is(name, "period_s"))
        return take_time(reading, LEAST_PERIOD_S, MOST_PERIOD_S, 1000, &profile->period_ms);
    if (is(name, "timeout_ms"))
        return take_time(reading, LEAST_TIMEOUT_MS, MOST_TIMEOUT_MS, 1, &profile->timeout_ms);
    if (is(name, "quality"))
        return take_quality(reading);
    if (is(name, "registers")) {
        reading->has_registers = true;
        return take_list(reading, take_point);
    }
    if (is(name, "largest_gap")) {
        bool ok = take_whole(reading, 0, MODBUS_MOST_REGISTERS, &number);
        profile->largest_gap = (size_t)number;
        return ok;
    }
    if (is(name, "port")) {
        bool ok = take_whole(reading, 1, UINT16_MAX, &number);
        profile->port = (uint16_t)number;
        return ok;
    }
    if (is(name, "unit_id")) {
        bool ok = take_whole(reading, 0, UINT8_MAX, &number);
        profile->unit = (uint8_t)number;
        return ok;
    }
    return json_scan_fail(
        &reading->scan, "modbus has host, port, unit_id, period_s, timeout_ms, largest_gap, quality, registers");
}

static bool take_member(struct reading *reading, const struct json_text *name)
{
    if (!is(name, "modbus"))
        return json_scan_skip(&reading->scan);
    reading->has_modbus = true;
    return take_object(reading, take_modbus_member);
}

static bool read_all(struct reading *reading, const char *json, size_t size, struct arena *arena, struct err *err)
{
    const struct modbus_profile *profile = reading->profile;
    if (!json_scan_begin(&reading->scan, arena, json, size))
        return err_set(err, ERR_INPUT, "the configuration is empty");
    if (!take_object(reading, take_member) || !json_scan_end(&reading->scan))
        return json_scan_err(&reading->scan, err);
    if (reading->has_modbus && (profile->host[0] == '\0' || profile->point_count == 0))
        return err_set(err, ERR_INPUT, "modbus needs a host and registers");
    return true;
}

bool modbus_profile_parse(struct modbus_profile **out_profile, const char *json, size_t size, struct err *err)
{
    AUTO_INPLACE(arena) arena;
    struct modbus_profile *profile = calloc(1, sizeof *profile);
    struct reading reading = { .profile = profile };
    *out_profile = NULL;
    if (!profile)
        return err_set(err, ERR_LIMIT, "no memory for a profile");
    profile->port = USUAL_PORT;
    profile->unit = 1;
    profile->period_ms = USUAL_PERIOD_S * INT64_C(1000);
    profile->timeout_ms = USUAL_TIMEOUT_MS;
    arena_init(&arena, ARENA_BYTES);
    if (!read_all(&reading, json, size, &arena, err)) {
        free(profile);
        return false;
    }
    if (!reading.has_modbus) {
        free(profile);
        return true;
    }
    modbus_blocks_make(profile);
    *out_profile = profile;
    return true;
}

/* ---- values ---- */
size_t modbus_type_registers(enum modbus_type type)
{
    switch (type) {
    case MODBUS_INT32:
    case MODBUS_UINT32:
    case MODBUS_FLOAT32:
        return 2;
    case MODBUS_INT64:
    case MODBUS_UINT64:
    case MODBUS_FLOAT64:
        return 4;
    default:
        return 1;
    }
}

/* The registers as one number, the most significant first. */
static uint64_t gathered(const struct modbus_point *point, const uint16_t *registers)
{
    size_t count = modbus_type_registers(point->type);
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t word = registers[point->swaps_words ? count - 1 - i : i];
        if (point->swaps_bytes)
            word = (uint16_t)(word >> 8 | word << 8);
        bits = bits << 16 | word;
    }
    return bits;
}

double modbus_raw_value(const struct modbus_point *point, const uint16_t *registers)
{
    uint64_t bits = gathered(point, registers);
    uint32_t half = (uint32_t)bits;
    float single;
    double value;
    switch (point->type) {
    case MODBUS_BOOL:
        return bits != 0;
    case MODBUS_INT16:
        return (int16_t)bits;
    case MODBUS_INT32:
        return (int32_t)half;
    case MODBUS_INT64:
        return (double)(int64_t)bits;
    case MODBUS_FLOAT32:
        memcpy(&single, &half, sizeof single);
        return (double)single;
    case MODBUS_FLOAT64:
        memcpy(&value, &bits, sizeof value);
        return value;
    default:
        return (double)bits;
    }
}

bool modbus_is_invalid(const struct modbus_point *point, double raw)
{
    if (!isfinite(raw))
        return true;
    for (size_t i = 0; i < point->invalid_count; i++)
        if (point->invalid[i] == raw)
            return true;
    return false;
}
