#include "bus/bus_puback.h"
#include "base/number.h"
#include <stdio.h>
#include <string.h>

/* {"stream":"S","seq":7,"duplicate":true} or
 * {"error":{"code":503,"err_code":10077,"description":"..."},"stream":"S","seq":0}: a scanner for these two shapes that
 * skips members it does not know. */
enum { MOST_DEPTH = 8 };

struct scan {
    const char *at;
    const char *end;
};

struct answer {
    bool has_error, has_sequence;
    int64_t code, err_code;
    char description[120];
    struct bus_puback puback;
};

struct span {
    const char *text;
    size_t length;
};

static void skip_spaces(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r' || *scan->at == '\n'))
        scan->at++;
}

static bool take(struct scan *scan, char c)
{
    skip_spaces(scan);
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

/* The text between the quotes as it stands there: the names and words that matter to us have no escapes. */
static bool take_text(struct scan *scan, struct span *out_text)
{
    if (!take(scan, '"'))
        return false;
    const char *start = scan->at;
    for (; scan->at < scan->end; scan->at++) {
        if (*scan->at == '"') {
            *out_text = (struct span){ start, (size_t)(scan->at++ - start) };
            return true;
        }
        if (*scan->at == '\\' && ++scan->at == scan->end)
            return false;
    }
    return false;
}

/* A number or a word: everything up to what ends a value. */
static bool take_plain(struct scan *scan, struct span *out_plain)
{
    skip_spaces(scan);
    const char *start = scan->at;
    while (scan->at < scan->end && !strchr(",]} \t\r\n", *scan->at))
        scan->at++;
    *out_plain = (struct span){ start, (size_t)(scan->at - start) };
    return out_plain->length > 0;
}

static bool skip_value(struct scan *scan)
{
    struct span ignored;
    int depth = 0;
    do {
        skip_spaces(scan);
        if (scan->at == scan->end)
            return false;
        char c = *scan->at;
        if (c == '"') {
            if (!take_text(scan, &ignored))
                return false;
        } else if (c == '{' || c == '[') {
            scan->at++;
            if (++depth > MOST_DEPTH)
                return false;
        } else if (c == '}' || c == ']') {
            scan->at++;
            depth--;
        } else if (depth > 0 && (c == ',' || c == ':')) {
            scan->at++;
        } else if (!take_plain(scan, &ignored)) {
            return false;
        }
    } while (depth > 0);
    return depth == 0;
}

static bool take_int(struct scan *scan, int64_t *out_value)
{
    struct span plain;
    return take_plain(scan, &plain) && number_parse_int(plain.text, plain.length, out_value);
}

static bool span_is(struct span span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.text, text, span.length) == 0;
}

typedef bool member_reader(struct scan *scan, struct span name, struct answer *answer);

static bool read_object(struct scan *scan, member_reader *read_member, struct answer *answer)
{
    struct span name;
    if (!take(scan, '{'))
        return false;
    if (take(scan, '}'))
        return true;
    do {
        if (!take_text(scan, &name) || !take(scan, ':') || !read_member(scan, name, answer))
            return false;
    } while (take(scan, ','));
    return take(scan, '}');
}

static bool read_error_member(struct scan *scan, struct span name, struct answer *answer)
{
    struct span text;
    if (span_is(name, "code"))
        return take_int(scan, &answer->code);
    if (span_is(name, "err_code"))
        return take_int(scan, &answer->err_code);
    if (!span_is(name, "description"))
        return skip_value(scan);
    if (!take_text(scan, &text))
        return false;
    int shown = text.length < sizeof answer->description ? (int)text.length : (int)sizeof answer->description - 1;
    snprintf(answer->description, sizeof answer->description, "%.*s", shown, text.text);
    return true;
}

static bool read_member(struct scan *scan, struct span name, struct answer *answer)
{
    struct span plain;
    int64_t sequence;
    if (span_is(name, "error")) {
        answer->has_error = true;
        return read_object(scan, read_error_member, answer);
    }
    if (span_is(name, "seq")) {
        if (!take_int(scan, &sequence) || sequence < 0)
            return false;
        answer->has_sequence = true;
        answer->puback.sequence = (uint64_t)sequence;
        return true;
    }
    if (span_is(name, "duplicate")) {
        if (!take_plain(scan, &plain))
            return false;
        answer->puback.is_duplicate = span_is(plain, "true");
        return answer->puback.is_duplicate || span_is(plain, "false");
    }
    return skip_value(scan);
}

static enum err_kind kind_of(const struct answer *answer)
{
    switch (answer->err_code) {
    case 10002: /* account resources exceeded */
    case 10023: /* insufficient resources     */
    case 10028: /* memory resources exceeded  */
    case 10047: /* storage resources exceeded */
        return ERR_LIMIT;
    case 10077: /* store failed: a bound of the stream, or the disk */
        return strncmp(answer->description, "maximum ", strlen("maximum ")) == 0 ? ERR_LIMIT : ERR_TRANSIENT;
    case 10054: /* message larger than the stream takes */
        return ERR_INPUT;
    case 10071: /* the subject's last message is another than expected */
        return ERR_PRECONDITION;
    default:
        return answer->code >= 400 && answer->code < 500 ? ERR_INPUT : ERR_TRANSIENT;
    }
}

bool bus_puback_parse(const char *data, size_t size, struct bus_puback *out_puback, struct err *err)
{
    const char *start = size > 0 ? data : "";
    struct scan scan = { start, start + size };
    struct answer answer = { 0 };
    bool is_whole = size > 0 && read_object(&scan, read_member, &answer);
    skip_spaces(&scan);
    if (!is_whole || scan.at != scan.end ||
        (!answer.has_error && (!answer.has_sequence || answer.puback.sequence == 0)))
        return err_set(err, ERR_TRANSIENT, "the answer is not JetStream's");
    if (answer.has_error)
        return err_set(
            err, kind_of(&answer), "JetStream refused: %s (%lld)", answer.description, (long long)answer.err_code);
    *out_puback = answer.puback;
    return true;
}
