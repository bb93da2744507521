#include "ingest/unit.h"
#include "ingest/unit_table.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Every spelling of every unit, sorted, made from the table on first use. */
enum { MOST_SPELLINGS = 256, LONGEST_SPELLING = 16 };
struct spelling {
    const char *text;
    size_t length;
    const struct unit *unit;
};
static struct spelling spellings[MOST_SPELLINGS];
static size_t spelling_count;
static pthread_once_t spellings_once = PTHREAD_ONCE_INIT;

static int compare_spellings(const void *left, const void *right)
{
    const struct spelling *a = left, *b = right;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return memcmp(a->text, b->text, a->length);
}

static void add_spelling(const char *text, size_t length, const struct unit *unit)
{
    if (spelling_count == MOST_SPELLINGS || length > LONGEST_SPELLING)
        abort(); /* the table has outgrown its index: the first unit test finds it */
    spellings[spelling_count++] = (struct spelling){ text, length, unit };
}

static void collect_spellings(void)
{
    for (size_t i = 0; i < unit_count; i++) {
        add_spelling(units[i].code, strlen(units[i].code), &units[i]);
        for (const char *at = units[i].also; at && *at;) {
            size_t length = strcspn(at, " ");
            add_spelling(at, length, &units[i]);
            at += length + (at[length] == ' ');
        }
    }
    qsort(spellings, spelling_count, sizeof spellings[0], compare_spellings);
}

/* NULL as well when the letters would do for two different units ("ML" and "mL"). */
static const struct unit *find_in_any_case(const char *text, size_t length)
{
    const struct unit *found = NULL;
    for (size_t i = 0; i < spelling_count; i++) {
        if (spellings[i].length != length || strncasecmp(spellings[i].text, text, length) != 0)
            continue;
        if (found && found != spellings[i].unit)
            return NULL;
        found = spellings[i].unit;
    }
    return found;
}

const struct unit *unit_find(const char *text, size_t length)
{
    const struct spelling wanted = { text, length, NULL };
    if (length == 0 || length > LONGEST_SPELLING)
        return NULL;
    pthread_once(&spellings_once, collect_spellings);
    const struct spelling *found = bsearch(&wanted, spellings, spelling_count, sizeof spellings[0], compare_spellings);
    return found ? found->unit : find_in_any_case(text, length);
}

const char *unit_code(const struct unit *unit)
{
    return unit->code;
}

static bool is_code(const struct unit *unit, const char *code)
{
    return strcmp(unit->code, code) == 0;
}

/* Heads are written in plain metres where everyone knows that they are of water. */
static const struct unit *metres_of_water(void)
{
    return unit_find("m[H2O]", 6);
}

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* By the shortened fraction of the two factors: as one division where it has a numerator of 1 (kPa to bar is / 100, not
 * * 0.01, which no double is). */
static double scale(const struct unit *from, const struct unit *to, double value)
{
    int64_t top = greatest_common_divisor(from->numerator, to->numerator);
    int64_t bottom = greatest_common_divisor(from->denominator, to->denominator);
    double numerator = (double)(from->numerator / top) * (double)(to->denominator / bottom);
    double denominator = (double)(to->numerator / top) * (double)(from->denominator / bottom);
    if (numerator < 0x1p53 && denominator < 0x1p53) {
        int64_t common = greatest_common_divisor((int64_t)numerator, (int64_t)denominator);
        numerator /= (double)common;
        denominator /= (double)common;
    }
    if (numerator == 1)
        return value / denominator;
    return denominator == 1 ? value * numerator : value * numerator / denominator;
}

bool unit_convert(const struct unit *from, const struct unit *to, double value, double *out_value)
{
    if (to->quantity == QUANTITY_PRESSURE && is_code(from, "m"))
        from = metres_of_water();
    if (from->quantity != to->quantity)
        return false;
    *out_value = from == to ? value : scale(from, to, value - from->zero) + to->zero;
    return true;
}

static const struct {
    const char *name;
    const char *unit;
    enum quantity quantities[2];
} kinds[] = {
    { "pressure", "bar", { QUANTITY_PRESSURE, QUANTITY_PRESSURE } },
    { "flow", "m3/h", { QUANTITY_FLOW, QUANTITY_FLOW } },
    { "level", "m", { QUANTITY_LENGTH, QUANTITY_RATIO } }, /* of a tank in per cent */
    { "volume", "m3", { QUANTITY_VOLUME, QUANTITY_VOLUME } },
    { "temperature", "Cel", { QUANTITY_TEMPERATURE, QUANTITY_TEMPERATURE } },
    { "ph", "[pH]", { QUANTITY_PH, QUANTITY_PH } },
    { "chlorine", "mg/L", { QUANTITY_CONCENTRATION, QUANTITY_CONCENTRATION } },
    { "turbidity", "{NTU}", { QUANTITY_NTU, QUANTITY_FNU } },
    { "conductivity", "uS/cm", { QUANTITY_CONDUCTIVITY, QUANTITY_CONDUCTIVITY } },
    { "redox", "mV", { QUANTITY_VOLTAGE, QUANTITY_VOLTAGE } },
    { "power", "kW", { QUANTITY_POWER, QUANTITY_POWER } },
    { "energy", "kW.h", { QUANTITY_ENERGY, QUANTITY_ENERGY } },
    { "voltage", "V", { QUANTITY_VOLTAGE, QUANTITY_VOLTAGE } },
    { "state", "1", { QUANTITY_RATIO, QUANTITY_RATIO } },
};

const char *unit_of_kind(const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].name, kind) == 0)
            return kinds[i].unit;
    return strcmp(kind, "other") == 0 ? "1" : NULL;
}

bool unit_fits_kind(const struct unit *unit, const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].name, kind) == 0)
            return unit->quantity == kinds[i].quantities[0] || unit->quantity == kinds[i].quantities[1];
    return strcmp(kind, "other") == 0;
}
