#include "ingest/cbor_scan.h"
#include "base/number.h"
#include "base/text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Major types (RFC 8949, section 3.1) and what they say in their low five bits. */
enum major { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };
enum { FALSE = 20, TRUE = 21, HALF = 25, SINGLE = 26, DOUBLE = 27, OPEN = 31, BREAK = 0xff, DECIMAL_FRACTION = 4 };

struct head {
    enum major major;
    unsigned info;
    uint64_t argument;
    size_t size;
};

void cbor_scan_begin(struct cbor_scan *scan, const void *body, size_t size)
{
    *scan = (struct cbor_scan){ .start = body, .at = body, .end = (const unsigned char *)body + size };
}

bool cbor_scan_fail(struct cbor_scan *scan, const char *problem)
{
    scan->problem = problem;
    return false;
}

bool cbor_scan_err(const struct cbor_scan *scan, struct err *err)
{
    return err_set(err, ERR_INPUT, "at byte %zu: %s", (size_t)(scan->at - scan->start),
        scan->problem ? scan->problem : "this is no such CBOR");
}

bool cbor_scan_end(struct cbor_scan *scan)
{
    return scan->at == scan->end || cbor_scan_fail(scan, "there is more after the end");
}

/* Looks, does not take. False: cut off, or a form that the standard does not allow. */
static bool look(const struct cbor_scan *scan, struct head *out_head)
{
    size_t left = (size_t)(scan->end - scan->at);
    if (left == 0)
        return false;
    unsigned info = scan->at[0] & 31u;
    size_t size = info < 24 || info == OPEN ? 1 : 1 + ((size_t)1 << (info - 24));
    if ((info > 27 && info < OPEN) || left < size)
        return false;
    *out_head = (struct head){ (enum major)(scan->at[0] >> 5), info, info < 24 ? info : 0, size };
    for (size_t i = 1; i < size; i++)
        out_head->argument = out_head->argument << 8 | scan->at[i];
    return info != OPEN || (out_head->major >= BYTES && out_head->major != TAG);
}

static bool take(struct cbor_scan *scan, struct head *out_head)
{
    if (!look(scan, out_head))
        return cbor_scan_fail(scan, scan->at == scan->end ? "the body is cut off" : "the body is cut off, or no CBOR");
    scan->at += out_head->size;
    return true;
}

enum cbor_kind cbor_scan_peek(const struct cbor_scan *scan)
{
    static const enum cbor_kind kinds[] = { CBOR_NUMBER, CBOR_NUMBER, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP };
    struct head head;
    if (!look(scan, &head))
        return CBOR_END;
    if (head.major < TAG)
        return kinds[head.major];
    if (head.major == TAG)
        return head.argument == DECIMAL_FRACTION ? CBOR_NUMBER : CBOR_OTHER;
    if (head.info == FALSE || head.info == TRUE)
        return CBOR_FLAG;
    if (head.info >= HALF && head.info <= DOUBLE)
        return CBOR_NUMBER;
    return CBOR_OTHER;
}

/* ---- lists ---- */
bool cbor_scan_open(struct cbor_scan *scan, enum cbor_kind kind, struct cbor_list *out_list, const char *problem)
{
    struct head head;
    if (cbor_scan_peek(scan) != kind)
        return cbor_scan_fail(scan, scan->at == scan->end ? "the body is cut off" : problem);
    if (!take(scan, &head))
        return false;
    *out_list = (struct cbor_list){ head.argument, head.info == OPEN };
    return true;
}

bool cbor_scan_next(struct cbor_scan *scan, struct cbor_list *list, bool *out_more)
{
    *out_more = list->left > 0;
    if (!list->is_open) {
        list->left -= *out_more;
        return true;
    }
    if (scan->at == scan->end)
        return cbor_scan_fail(scan, "the body is cut off");
    *out_more = *scan->at != BREAK;
    scan->at += !*out_more;
    return true;
}

/* ---- values ---- */
bool cbor_scan_text(struct cbor_scan *scan, struct json_text *out_text)
{
    struct head head;
    if (!take(scan, &head))
        return false;
    if (head.major != TEXT || head.info == OPEN)
        return cbor_scan_fail(scan, "expected a text in one piece");
    if (head.argument > (size_t)(scan->end - scan->at))
        return cbor_scan_fail(scan, "the text is longer than the body");
    size_t length = (size_t)head.argument;
    const char *bytes = (const char *)scan->at;
    if (!text_is_utf8(bytes, length) || memchr(bytes, '\0', length))
        return cbor_scan_fail(scan, "the text is no UTF-8");
    scan->at += length;
    *out_text = (struct json_text){ bytes, length };
    return true;
}

/* RFC 8949, appendix D. */
static double half_of(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 0x1f);
    double mantissa = (double)(bits & 0x3ff);
    double value = exponent == 0    ? ldexp(mantissa, -24)
                   : exponent != 31 ? ldexp(mantissa + 1024, exponent - 25)
                   : mantissa == 0  ? (double)INFINITY
                                    : (double)NAN;
    return bits & 0x8000 ? -value : value;
}

static double float_of(const struct head *head)
{
    float single;
    double value;
    uint32_t low = (uint32_t)head->argument;
    if (head->info == HALF)
        return half_of(head->argument);
    if (head->info == SINGLE) {
        memcpy(&single, &low, sizeof single);
        return (double)single;
    }
    memcpy(&value, &head->argument, sizeof value);
    return value;
}

bool cbor_scan_int(struct cbor_scan *scan, int64_t *out_value)
{
    struct head head;
    if (!look(scan, &head) || head.major > NEGATIVE || head.argument > INT64_MAX)
        return false;
    scan->at += head.size;
    *out_value = head.major == NEGATIVE ? -1 - (int64_t)head.argument : (int64_t)head.argument;
    return true;
}

/* [exponent, mantissa] behind the tag, read as the decimal number that it is. */
static enum json_number read_fraction(struct cbor_scan *scan, double *out_value)
{
    const unsigned char *before = scan->at;
    struct head tag, pair;
    int64_t exponent, mantissa;
    char text[NUMBER_LONGEST_TEXT];
    bool is_pair = take(scan, &tag) && take(scan, &pair) && pair.major == ARRAY && pair.argument == 2 &&
                   cbor_scan_int(scan, &exponent) && cbor_scan_int(scan, &mantissa);
    if (!is_pair) {
        scan->at = before;
        return JSON_NUMBER_NONE;
    }
    int length = snprintf(text, sizeof text, "%" PRId64 "e%" PRId64, mantissa, exponent);
    return number_parse(text, (size_t)length, out_value) == (size_t)length ? JSON_NUMBER : JSON_NUMBER_NOT_FINITE;
}

enum json_number cbor_scan_number(struct cbor_scan *scan, double *out_value)
{
    struct head head;
    if (cbor_scan_peek(scan) != CBOR_NUMBER || !look(scan, &head))
        return JSON_NUMBER_NONE;
    if (head.major == TAG)
        return read_fraction(scan, out_value);
    scan->at += head.size;
    double value = head.major == UNSIGNED   ? (double)head.argument
                   : head.major == NEGATIVE ? -1.0 - (double)head.argument
                                            : float_of(&head);
    if (!isfinite(value))
        return JSON_NUMBER_NOT_FINITE;
    *out_value = value;
    return JSON_NUMBER;
}

bool cbor_scan_flag(struct cbor_scan *scan, bool *out_value)
{
    if (cbor_scan_peek(scan) != CBOR_FLAG)
        return false;
    *out_value = (*scan->at++ & 31) == TRUE;
    return true;
}

/* ---- skipping ---- */
static bool skip(struct cbor_scan *scan, int depth);

static bool skip_items(struct cbor_scan *scan, const struct head *head, int depth)
{
    struct cbor_list list = { head->argument, head->info == OPEN };
    bool has_more;
    for (;;) {
        if (!cbor_scan_next(scan, &list, &has_more))
            return false;
        if (!has_more)
            return true;
        if (!skip(scan, depth) || (head->major == MAP && !skip(scan, depth)))
            return false;
    }
}

static bool skip_bytes(struct cbor_scan *scan, const struct head *head, int depth)
{
    if (head->info == OPEN)
        return skip_items(scan, head, depth);
    if (head->argument > (size_t)(scan->end - scan->at))
        return cbor_scan_fail(scan, "a text or bytes are longer than the body");
    scan->at += (size_t)head->argument;
    return true;
}

static bool skip(struct cbor_scan *scan, int depth)
{
    struct head head;
    if (depth == 0)
        return cbor_scan_fail(scan, "nested deeper than 8");
    if (!take(scan, &head))
        return false;
    if (head.major == BYTES || head.major == TEXT)
        return skip_bytes(scan, &head, depth - 1);
    if (head.major == ARRAY || head.major == MAP)
        return skip_items(scan, &head, depth - 1);
    if (head.major == TAG)
        return skip(scan, depth - 1);
    return head.info != OPEN || cbor_scan_fail(scan, "a break that ends nothing");
}

bool cbor_scan_skip(struct cbor_scan *scan)
{
    return skip(scan, JSON_DEEPEST + 1);
}
