#include "ingest/senml.h"
#include "ingest/time_rule.h"
#include <math.h>
#include <string.h>

/* A time below this is seconds from now (RFC 8428, section 4.5.3). */
#define ABSOLUTE_FROM 268435456.0 /* 2^28 */
/* Longer names are no sensor's; looking at each again for every record would take a hostile pack's time squared. */
enum { SENML_VERSION = 10, LONGEST_NAME = 256 };

static const struct {
    const char *name;
    enum senml_type type;
    const char *wrong_type;
} labels[SENML_LABELS] = {
    [SENML_BN] = { "bn", SENML_TEXT, "bn is not a text" },
    [SENML_BT] = { "bt", SENML_NUMBER, "bt is not a number" },
    [SENML_BU] = { "bu", SENML_TEXT, "bu is not a text" },
    [SENML_BV] = { "bv", SENML_NUMBER, "bv is not a number" },
    [SENML_BS] = { "bs", SENML_NUMBER, "bs is not a number" },
    [SENML_BVER] = { "bver", SENML_NUMBER, "bver is not a number" },
    [SENML_N] = { "n", SENML_TEXT, "n is not a text" },
    [SENML_U] = { "u", SENML_TEXT, "u is not a text" },
    [SENML_V] = { "v", SENML_NUMBER, "v is not a number" },
    [SENML_VS] = { "vs", SENML_TEXT, "vs is not a text" },
    [SENML_VB] = { "vb", SENML_FLAG, "vb is neither true nor false" },
    [SENML_VD] = { "vd", SENML_TEXT, "vd is not a text" },
    [SENML_S] = { "s", SENML_NUMBER, "s is not a number" },
    [SENML_T] = { "t", SENML_NUMBER, "t is not a number" },
    [SENML_UT] = { "ut", SENML_NUMBER, "ut is not a number" },
};
enum { VALUE_BITS = 1 << SENML_V | 1 << SENML_VS | 1 << SENML_VB | 1 << SENML_VD };
const char senml_not_understood[] = "a label ending in _ must be understood, and is not";
const char senml_given_twice[] = "a label is given twice in one record";

enum senml_label senml_label_of(const struct json_text *name)
{
    for (enum senml_label label = 0; label < SENML_LABELS; label++)
        if (strlen(labels[label].name) == name->length && memcmp(labels[label].name, name->bytes, name->length) == 0)
            return label;
    return SENML_UNKNOWN;
}

enum senml_type senml_type_of(enum senml_label label)
{
    return labels[label].type;
}

bool senml_may_ignore(const struct json_text *name)
{
    return name->length == 0 || name->bytes[name->length - 1] != '_';
}

static bool refuse_pack(struct senml_pack *pack, const char *problem)
{
    pack->problem = problem;
    return false;
}

/* Base members hold from this record on. A wrong one makes every later record wrong, so the pack is refused. */
static bool carry_base(struct senml_pack *pack, const struct senml_record *record)
{
    for (enum senml_label label = SENML_BN; label <= SENML_BVER; label++) {
        if (!(record->seen & SENML_BIT(label)))
            continue;
        if (record->faulty & SENML_BIT(label))
            return refuse_pack(pack, labels[label].wrong_type);
        pack->base.seen |= SENML_BIT(label);
        pack->base.texts[label] = record->texts[label];
        pack->base.numbers[label] = record->numbers[label];
    }
    double version = record->seen & SENML_BIT(SENML_BVER) ? record->numbers[SENML_BVER] : SENML_VERSION;
    if (version < 1 || version > SENML_VERSION || version != floor(version))
        return refuse_pack(pack, "bver is not a version up to 10");
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
static bool resolve_name(struct senml_pack *pack, const struct senml_record *record, struct raw_reading *reading)
{
    struct json_text base = pack->base.texts[SENML_BN], own = record->texts[SENML_N];
    struct json_text name = base.length == 0 ? own : base;
    if (base.length > LONGEST_NAME || own.length > LONGEST_NAME) {
        raw_reading_fault(reading, "n", "the name is longer than 256 bytes");
        return true;
    }
    if (base.length > 0 && own.length > 0) {
        name.length = base.length + own.length;
        char *joined = arena_alloc(pack->list.arena, name.length);
        if (!joined)
            return err_set(&pack->err, ERR_LIMIT, "the names do not fit into the memory of one request");
        memcpy(joined, base.bytes, base.length);
        memcpy(joined + base.length, own.bytes, own.length);
        name.bytes = joined;
    }
    reading->sensor = name.bytes;
    reading->sensor_length = name.length;
    if (record->faulty & SENML_BIT(SENML_N))
        raw_reading_fault(reading, "n", labels[SENML_N].wrong_type);
    else if (!is_name(name.bytes, name.length))
        raw_reading_fault(reading, "n", "bn and n together are no SenML name (letters, digits and - : . / _)");
    return true;
}

static void resolve_unit(const struct senml_pack *pack, const struct senml_record *record, struct raw_reading *reading)
{
    const struct json_text *unit =
        record->seen & SENML_BIT(SENML_U) ? &record->texts[SENML_U] : &pack->base.texts[SENML_BU];
    if (record->faulty & SENML_BIT(SENML_U))
        raw_reading_fault(reading, "u", labels[SENML_U].wrong_type);
    reading->unit = unit->length > 0 ? unit->bytes : NULL;
    reading->unit_length = unit->length;
}

static void resolve_value(const struct senml_pack *pack, const struct senml_record *record, struct raw_reading *reading)
{
    unsigned given = record->seen & VALUE_BITS;
    if (given & (given - 1))
        raw_reading_fault(reading, "v", "a record has one value only");
    else if (given & SENML_BIT(SENML_VS))
        raw_reading_fault(reading, "vs", "texts are not stored: send a number");
    else if (given & SENML_BIT(SENML_VD))
        raw_reading_fault(reading, "vd", "data is not stored: send a number");
    else if (given & SENML_BIT(SENML_VB) && record->faulty & SENML_BIT(SENML_VB))
        raw_reading_fault(reading, "vb", labels[SENML_VB].wrong_type);
    else if (given & SENML_BIT(SENML_V) && record->faulty & SENML_BIT(SENML_V))
        raw_reading_fault(reading, "v", "value is not a finite number");
    else if (given == 0 && !(pack->base.seen & SENML_BIT(SENML_BV)))
        raw_reading_fault(
            reading, "v", record->seen & SENML_BIT(SENML_S) ? "sums are not stored: send a value" : "value is missing");
    /* Absent parts are zero. A flag has no base. */
    reading->value = given & SENML_BIT(SENML_VB) ? record->numbers[SENML_VB]
                                                 : record->numbers[SENML_V] + pack->base.numbers[SENML_BV];
    if (!isfinite(reading->value))
        raw_reading_fault(reading, "v", "value is not a finite number");
}

static void resolve_time(const struct senml_pack *pack, const struct senml_record *record, struct raw_reading *reading)
{
    if (!(record->seen & SENML_BIT(SENML_T)) && !(pack->base.seen & SENML_BIT(SENML_BT)))
        return;
    double seconds = pack->base.numbers[SENML_BT] + record->numbers[SENML_T];
    reading->has_time = !(record->faulty & SENML_BIT(SENML_T)) && time_of_seconds(seconds, &reading->observed_at);
    if (!reading->has_time)
        raw_reading_fault(reading, "t", "the time is no number of seconds since 1970 or from now");
    else if (seconds < ABSOLUTE_FROM)
        reading->observed_at += pack->received_at;
}

static bool resolve(struct senml_pack *pack, const struct senml_record *record)
{
    const unsigned own = SENML_BIT(SENML_N) | SENML_BIT(SENML_U) | VALUE_BITS | SENML_BIT(SENML_S) | SENML_BIT(SENML_T);
    if (!(record->seen & own))
        return true; /* only base members, for the records that follow */
    struct raw_reading *reading = raw_list_add(&pack->list, &pack->err);
    if (!reading || !resolve_name(pack, record, reading))
        return false;
    resolve_value(pack, record, reading);
    resolve_unit(pack, record, reading);
    resolve_time(pack, record, reading);
    return true;
}

bool senml_pack_take(struct senml_pack *pack, const struct senml_record *record)
{
    return carry_base(pack, record) && resolve(pack, record);
}
