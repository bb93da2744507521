#include "ingest/codec.h"
#include "ingest/json_scan.h"
#include "ingest/raw_list.h"
#include "ingest/time_rule.h"
#include <math.h>
#include <string.h>

/* A time below this is seconds from now (RFC 8428, section 4.5.3). */
#define ABSOLUTE_FROM 268435456.0 /* 2^28 */
/* Longer names are no sensor's; looking at each again for every record would take a hostile pack's time squared. */
enum { SENML_VERSION = 10, LONGEST_NAME = 256 };

enum label { BN, BT, BU, BV, BS, BVER, N, U, V, VS, VB, VD, S, T, UT, LABEL_COUNT, UNKNOWN = LABEL_COUNT };
static const struct {
    const char *name;
    enum { IS_TEXT, IS_NUMBER, IS_FLAG } type;
    const char *wrong_type;
} labels[LABEL_COUNT] = {
    [BN] = { "bn", IS_TEXT, "bn is not a text" },
    [BT] = { "bt", IS_NUMBER, "bt is not a number" },
    [BU] = { "bu", IS_TEXT, "bu is not a text" },
    [BV] = { "bv", IS_NUMBER, "bv is not a number" },
    [BS] = { "bs", IS_NUMBER, "bs is not a number" },
    [BVER] = { "bver", IS_NUMBER, "bver is not a number" },
    [N] = { "n", IS_TEXT, "n is not a text" },
    [U] = { "u", IS_TEXT, "u is not a text" },
    [V] = { "v", IS_NUMBER, "v is not a number" },
    [VS] = { "vs", IS_TEXT, "vs is not a text" },
    [VB] = { "vb", IS_FLAG, "vb is neither true nor false" },
    [VD] = { "vd", IS_TEXT, "vd is not a text" },
    [S] = { "s", IS_NUMBER, "s is not a number" },
    [T] = { "t", IS_NUMBER, "t is not a number" },
    [UT] = { "ut", IS_NUMBER, "ut is not a number" },
};
#define BIT(label) (1u << (label))
enum { VALUE_BITS = 1 << V | 1 << VS | 1 << VB | 1 << VD };

/* One record as written. */
struct record {
    unsigned seen;
    unsigned faulty; /* of those seen: not a finite number, or not of its type */
    struct json_text texts[LABEL_COUNT];
    double numbers[LABEL_COUNT];
};
struct decoder {
    struct json_scan scan;
    struct raw_list list;
    struct record base; /* the base members in force */
    int64_t received_at;
    struct err *err;
};

static enum label label_of(const struct json_text *name)
{
    for (enum label label = 0; label < LABEL_COUNT; label++)
        if (strlen(labels[label].name) == name->length && memcmp(labels[label].name, name->bytes, name->length) == 0)
            return label;
    return UNKNOWN;
}

static bool read_unknown(struct decoder *decoder, const struct json_text *name)
{
    if (name->length > 0 && name->bytes[name->length - 1] == '_')
        return json_scan_fail(&decoder->scan, "a label ending in _ must be understood, and is not");
    return json_scan_skip(&decoder->scan);
}

/* A value of another type is passed over and marked. */
static bool read_typed(struct decoder *decoder, enum label label, struct record *record)
{
    struct json_scan *scan = &decoder->scan;
    char first = json_scan_peek(scan);
    enum json_number found = JSON_NUMBER_NONE;
    if (labels[label].type == IS_TEXT && first == '"')
        return json_scan_text(scan, &record->texts[label]);
    if (labels[label].type == IS_FLAG && (json_scan_word(scan, "true") || json_scan_word(scan, "false"))) {
        record->numbers[label] = first == 't';
        return true;
    }
    if (labels[label].type == IS_NUMBER && first != '"')
        found = json_scan_number(scan, &record->numbers[label]);
    if (found == JSON_NUMBER)
        return true;
    record->faulty |= BIT(label);
    return found == JSON_NUMBER_NOT_FINITE || json_scan_skip(scan);
}

static bool read_record(struct decoder *decoder, struct record *record)
{
    if (!json_scan_take(&decoder->scan, '{', "expected a record"))
        return false;
    bool has_more = !json_scan_is_empty(&decoder->scan, '}');
    while (has_more) {
        struct json_text name;
        if (!json_scan_name(&decoder->scan, &name))
            return false;
        enum label label = label_of(&name);
        if (label != UNKNOWN && record->seen & BIT(label))
            return json_scan_fail(&decoder->scan, "a label is given twice in one record");
        record->seen |= label == UNKNOWN ? 0 : BIT(label);
        if (!(label == UNKNOWN ? read_unknown(decoder, &name) : read_typed(decoder, label, record)) ||
            !json_scan_next(&decoder->scan, '}', &has_more))
            return false;
    }
    return true;
}

/* Base members hold from this record on. A wrong one makes every later record wrong, so the pack is refused. */
static bool carry_base(struct decoder *decoder, const struct record *record)
{
    for (enum label label = BN; label <= BVER; label++) {
        if (!(record->seen & BIT(label)))
            continue;
        if (record->faulty & BIT(label))
            return json_scan_fail(&decoder->scan, labels[label].wrong_type);
        decoder->base.seen |= BIT(label);
        decoder->base.texts[label] = record->texts[label];
        decoder->base.numbers[label] = record->numbers[label];
    }
    double version = record->seen & BIT(BVER) ? record->numbers[BVER] : SENML_VERSION;
    if (version < 1 || version > SENML_VERSION || version != floor(version))
        return json_scan_fail(&decoder->scan, "bver is not a version up to 10");
    return true;
}

static bool is_name(const char *text, size_t length)
{
    static const char punctuation[] = "-:./_";
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool is_alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_alphanumeric && (i == 0 || c == '\0' || !strchr(punctuation, c)))
            return false;
    }
    return length > 0;
}

/* The name is the base name and the record's own, one after the other. False: out of memory. */
static bool resolve_name(struct decoder *decoder, const struct record *record, struct raw_reading *reading)
{
    struct json_text base = decoder->base.texts[BN], own = record->texts[N];
    struct json_text name = base.length == 0 ? own : base;
    if (base.length > LONGEST_NAME || own.length > LONGEST_NAME) {
        raw_reading_fault(reading, "n", "the name is longer than 256 bytes");
        return true;
    }
    if (base.length > 0 && own.length > 0) {
        name.length = base.length + own.length;
        char *joined = arena_alloc(decoder->list.arena, name.length);
        if (!joined)
            return err_set(decoder->err, ERR_LIMIT, "the names do not fit into the memory of one request");
        memcpy(joined, base.bytes, base.length);
        memcpy(joined + base.length, own.bytes, own.length);
        name.bytes = joined;
    }
    reading->sensor = name.bytes;
    reading->sensor_length = name.length;
    if (record->faulty & BIT(N))
        raw_reading_fault(reading, "n", labels[N].wrong_type);
    else if (!is_name(name.bytes, name.length))
        raw_reading_fault(reading, "n", "bn and n together are no SenML name (letters, digits and - : . / _)");
    return true;
}

static void resolve_unit(const struct decoder *decoder, const struct record *record, struct raw_reading *reading)
{
    const struct json_text *unit = record->seen & BIT(U) ? &record->texts[U] : &decoder->base.texts[BU];
    if (record->faulty & BIT(U))
        raw_reading_fault(reading, "u", labels[U].wrong_type);
    reading->unit = unit->length > 0 ? unit->bytes : NULL;
    reading->unit_length = unit->length;
}

static void resolve_value(const struct decoder *decoder, const struct record *record, struct raw_reading *reading)
{
    unsigned given = record->seen & VALUE_BITS;
    if (given & (given - 1))
        raw_reading_fault(reading, "v", "a record has one value only");
    else if (given & BIT(VS))
        raw_reading_fault(reading, "vs", "texts are not stored: send a number");
    else if (given & BIT(VD))
        raw_reading_fault(reading, "vd", "data is not stored: send a number");
    else if (given & BIT(VB) && record->faulty & BIT(VB))
        raw_reading_fault(reading, "vb", labels[VB].wrong_type);
    else if (given & BIT(V) && record->faulty & BIT(V))
        raw_reading_fault(reading, "v", "value is not a finite number");
    else if (given == 0 && !(decoder->base.seen & BIT(BV)))
        raw_reading_fault(
            reading, "v", record->seen & BIT(S) ? "sums are not stored: send a value" : "value is missing");
    /* Absent parts are zero. A flag has no base. */
    reading->value = given & BIT(VB) ? record->numbers[VB] : record->numbers[V] + decoder->base.numbers[BV];
    if (!isfinite(reading->value))
        raw_reading_fault(reading, "v", "value is not a finite number");
}

static void resolve_time(const struct decoder *decoder, const struct record *record, struct raw_reading *reading)
{
    if (!(record->seen & BIT(T)) && !(decoder->base.seen & BIT(BT)))
        return;
    double seconds = decoder->base.numbers[BT] + record->numbers[T];
    reading->has_time = !(record->faulty & BIT(T)) && time_of_seconds(seconds, &reading->observed_at);
    if (!reading->has_time)
        raw_reading_fault(reading, "t", "the time is no number of seconds since 1970 or from now");
    else if (seconds < ABSOLUTE_FROM)
        reading->observed_at += decoder->received_at;
}

static bool resolve(struct decoder *decoder, const struct record *record)
{
    const unsigned own = BIT(N) | BIT(U) | VALUE_BITS | BIT(S) | BIT(T);
    if (!(record->seen & own))
        return true; /* only base members, for the records that follow */
    struct raw_reading *reading = raw_list_add(&decoder->list, decoder->err);
    if (!reading || !resolve_name(decoder, record, reading))
        return false;
    resolve_value(decoder, record, reading);
    resolve_unit(decoder, record, reading);
    resolve_time(decoder, record, reading);
    return true;
}

static bool read_pack(struct decoder *decoder)
{
    if (!json_scan_take(&decoder->scan, '[', "expected a SenML pack, which is a list"))
        return false;
    bool has_more = !json_scan_is_empty(&decoder->scan, ']');
    while (has_more) {
        struct record record = { 0 };
        if (!read_record(decoder, &record) || !carry_base(decoder, &record) || !resolve(decoder, &record) ||
            !json_scan_next(&decoder->scan, ']', &has_more))
            return false;
    }
    return json_scan_end(&decoder->scan);
}

bool codec_senml_json_decode(struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size,
    int64_t received_at_us, struct err *err)
{
    struct err limit = { 0 };
    struct decoder decoder = { .list.arena = arena, .received_at = received_at_us, .err = &limit };
    if (!json_scan_begin(&decoder.scan, arena, body, size) || !read_pack(&decoder))
        return limit.kind == ERR_NONE ? json_scan_err(&decoder.scan, err) : err_set(err, limit.kind, "%s", limit.text);
    *out_readings = (struct raw_readings){ decoder.list.items, decoder.list.count, "senml-json" };
    return true;
}
