#include "ingest/json_scan.h"
#include "base/number.h"
#include "base/text.h"
#include <stddef.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "find_special counts bytes from the low end"
#endif

bool json_scan_fail(struct json_scan *scan, const char *problem)
{
    scan->problem = problem;
    return false;
}

bool json_scan_err(const struct json_scan *scan, struct err *err)
{
    if (scan->is_out_of_memory)
        return err_set(err, ERR_LIMIT, "the body does not fit into the memory of one request");
    return err_set(err, ERR_INPUT, "malformed JSON at byte %td: %s", scan->at - scan->start, scan->problem);
}

static size_t left(const struct json_scan *scan)
{
    return (size_t)(scan->end - scan->at);
}

bool json_scan_begin(struct json_scan *scan, struct arena *arena, const char *body, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf";
    *scan = (struct json_scan){ .start = body, .at = body, .end = body + size, .arena = arena };
    if (size >= sizeof mark - 1 && memcmp(body, mark, sizeof mark - 1) == 0)
        scan->at += sizeof mark - 1;
    json_scan_peek(scan);
    return scan->at < scan->end || json_scan_fail(scan, "the body is empty");
}

bool json_scan_end(struct json_scan *scan)
{
    json_scan_peek(scan);
    return scan->at == scan->end || json_scan_fail(scan, "something follows the end");
}

bool json_scan_take(struct json_scan *scan, char c, const char *problem)
{
    if (json_scan_peek(scan) != c || scan->at == scan->end)
        return json_scan_fail(scan, problem);
    scan->at++;
    return true;
}

bool json_scan_next(struct json_scan *scan, char close, bool *out_more)
{
    char c = json_scan_peek(scan);
    if (c != ',' && c != close)
        return json_scan_fail(scan, close == '}' ? "expected , or }" : "expected , or ]");
    scan->at++;
    *out_more = c == ',';
    return true;
}

bool json_scan_is_empty(struct json_scan *scan, char close)
{
    if (json_scan_peek(scan) != close)
        return false;
    scan->at++;
    return true;
}

/* ---- texts ---- */

/* A bit in the top of each of eight bytes that is a quote, a backslash, a control character or beyond ASCII: "has a
 * zero byte" and "has a byte less than n", all bytes at once. Bits above the lowest one set may be wrong, for a
 * subtraction borrows upwards. */
static uint64_t special_bytes(const char *at)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t quotes = word ^ (ones * '"'), slashes = word ^ (ones * '\\');
    return (word | (word - ones * 0x20) | (quotes - ones) | (slashes - ones)) & tops;
}

static const char *find_special(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t found = special_bytes(at);
        if (found)
            return at + __builtin_ctzll(found) / 8; /* little-endian: the lowest bit is the first byte */
    }
    while (at < end && *at != '"' && *at != '\\' && (signed char)*at >= 0x20)
        at++;
    return at;
}

/* Goes to the next quote or backslash. */
static bool pass_plain(struct json_scan *scan)
{
    for (;;) {
        scan->at = find_special(scan->at, scan->end);
        if (scan->at == scan->end)
            return json_scan_fail(scan, "the text does not end");
        unsigned char c = (unsigned char)*scan->at;
        if (c == '"' || c == '\\')
            return true;
        if (c < 0x20)
            return json_scan_fail(scan, "a control character in a text");
        size_t step = text_utf8_length(scan->at, left(scan));
        if (step == 0)
            return json_scan_fail(scan, "a text is not UTF-8");
        scan->at += step;
    }
}

static bool read_hex4(struct json_scan *scan, unsigned *out_unit)
{
    unsigned char bytes[2];
    if (left(scan) < 4 || !text_from_hex(bytes, 2, scan->at, 4))
        return json_scan_fail(scan, "\\u needs four hex digits");
    scan->at += 4;
    *out_unit = (unsigned)bytes[0] << 8 | bytes[1];
    return true;
}

static char *put_utf8(char *to, unsigned point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *to++ = (char)(0xe0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    } else {
        *to++ = (char)(0xf0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3f));
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    }
    return to;
}

/* After \u: one code point, of two units if the first is a high surrogate. */
static bool read_code_point(struct json_scan *scan, unsigned *out_point)
{
    unsigned high, low;
    if (!read_hex4(scan, &high))
        return false;
    *out_point = high;
    if (high < 0xd800 || high > 0xdfff)
        return true;
    if (high > 0xdbff || left(scan) < 6 || scan->at[0] != '\\' || scan->at[1] != 'u')
        return json_scan_fail(scan, "half a surrogate pair");
    scan->at += 2;
    if (!read_hex4(scan, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return json_scan_fail(scan, "half a surrogate pair");
    *out_point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* At a backslash: writes what it stands for. */
static bool decode_escape(struct json_scan *scan, char **to)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    unsigned point;
    scan->at++;
    if (left(scan) == 0)
        return json_scan_fail(scan, "the text does not end");
    if (*scan->at == 'u') {
        scan->at++;
        if (!read_code_point(scan, &point))
            return false;
        *to = put_utf8(*to, point);
        return true;
    }
    const char *letter = *scan->at != '\0' ? strchr(letters, *scan->at) : NULL;
    if (!letter)
        return json_scan_fail(scan, "unknown escape");
    *(*to)++ = values[letter - letters];
    scan->at++;
    return true;
}

/* The closing quote of a text whose first backslash is at scan->at, so that its copy can have the right size: an escape
 * is never shorter than what it stands for. */
static const char *find_end_of_text(const struct json_scan *scan)
{
    for (const char *at = scan->at; at < scan->end; at++) {
        if (*at == '"')
            return at;
        if (*at == '\\')
            at++;
    }
    return NULL;
}

static bool decode_text(struct json_scan *scan, const char *first, struct json_text *out_text)
{
    const char *last = find_end_of_text(scan);
    if (!last)
        return json_scan_fail(scan, "the text does not end");
    char *copy = arena_alloc(scan->arena, (size_t)(last - first));
    if (!copy) {
        scan->is_out_of_memory = true;
        return json_scan_fail(scan, "out of memory");
    }
    char *to = copy;
    const char *from = first;
    while (*scan->at == '\\') {
        memcpy(to, from, (size_t)(scan->at - from));
        to += scan->at - from;
        if (!decode_escape(scan, &to))
            return false;
        from = scan->at;
        if (!pass_plain(scan))
            return false;
    }
    memcpy(to, from, (size_t)(scan->at - from));
    to += scan->at - from;
    scan->at++;
    *out_text = (struct json_text){ copy, (size_t)(to - copy) };
    return true;
}

bool json_scan_text(struct json_scan *scan, struct json_text *out_text)
{
    if (!json_scan_take(scan, '"', "expected a text"))
        return false;
    const char *first = scan->at;
    if (!pass_plain(scan))
        return false;
    if (*scan->at == '\\')
        return decode_text(scan, first, out_text);
    *out_text = (struct json_text){ first, (size_t)(scan->at - first) };
    scan->at++;
    return true;
}

bool json_scan_name(struct json_scan *scan, struct json_text *out_name)
{
    if (json_scan_peek(scan) != '"')
        return json_scan_fail(scan, "expected the name of a member");
    return json_scan_text(scan, out_name) && json_scan_take(scan, ':', "expected :");
}

/* ---- numbers and words ---- */

static size_t digits_at(const char *at, const char *end)
{
    const char *first = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return (size_t)(at - first);
}

/* How long the number here is by its grammar alone, whatever its size; 0 if it is none. */
static size_t number_extent(const char *first, const char *end)
{
    const char *at = first + (first < end && *first == '-');
    size_t whole = digits_at(at, end);
    if (whole == 0 || (whole > 1 && *at == '0'))
        return 0;
    at += whole;
    if (at < end && *at == '.') {
        size_t fraction = digits_at(at + 1, end);
        if (fraction == 0)
            return 0;
        at += 1 + fraction;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        size_t exponent = digits_at(at, end);
        if (exponent == 0)
            return 0;
        at += exponent;
    }
    return (size_t)(at - first);
}

enum json_number json_scan_number(struct json_scan *scan, double *out_value)
{
    static const char *const not_finite[] = { "NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "-NaN", "-nan" };
    json_scan_peek(scan);
    size_t taken = number_parse(scan->at, left(scan), out_value);
    if (taken > 0) {
        scan->at += taken;
        return JSON_NUMBER;
    }
    size_t extent = number_extent(scan->at, scan->end);
    scan->at += extent;
    if (extent > 0)
        return JSON_NUMBER_NOT_FINITE;
    for (size_t i = 0; i < COUNT_OF(not_finite); i++)
        if (json_scan_word(scan, not_finite[i]))
            return JSON_NUMBER_NOT_FINITE;
    return JSON_NUMBER_NONE;
}

bool json_scan_word(struct json_scan *scan, const char *word)
{
    size_t length = strlen(word);
    json_scan_peek(scan);
    if (left(scan) < length || memcmp(scan->at, word, length) != 0)
        return false;
    scan->at += length;
    return true;
}

/* ---- what nobody asked for ---- */

static bool skip_scalar(struct json_scan *scan)
{
    struct json_text text;
    double number;
    if (json_scan_peek(scan) == '"')
        return json_scan_text(scan, &text);
    if (json_scan_word(scan, "true") || json_scan_word(scan, "false") || json_scan_word(scan, "null"))
        return true;
    return json_scan_number(scan, &number) != JSON_NUMBER_NONE || json_scan_fail(scan, "expected a value");
}

/* After a value: closes the brackets that end here; *out_depth 0 when the whole is done. */
static bool close_brackets(struct json_scan *scan, const char *closers, size_t *depth)
{
    bool has_more = false;
    while (*depth > 0 && !has_more) {
        if (!json_scan_next(scan, closers[*depth - 1], &has_more))
            return false;
        if (!has_more)
            (*depth)--;
    }
    return true;
}

bool json_scan_skip(struct json_scan *scan)
{
    char closers[JSON_DEEPEST];
    size_t depth = 0;
    struct json_text name;
    do {
        if (depth > 0 && closers[depth - 1] == '}' && !json_scan_name(scan, &name))
            return false;
        char c = json_scan_peek(scan);
        if (c == '{' || c == '[') {
            if (depth == JSON_DEEPEST)
                return json_scan_fail(scan, "nested too deeply");
            scan->at++;
            closers[depth] = c == '{' ? '}' : ']';
            if (!json_scan_is_empty(scan, closers[depth])) {
                depth++;
                continue;
            }
        } else if (!skip_scalar(scan)) {
            return false;
        }
        if (!close_brackets(scan, closers, &depth))
            return false;
    } while (depth > 0);
    return true;
}
