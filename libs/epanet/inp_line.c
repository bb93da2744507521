#include "base/text.h"
#include "epanet/inp_internal.h"
#undef inp_fail
#undef inp_fail_at
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LONGEST_NUMBER = 40, SHOWN = 40 };

bool inp_fail_at(size_t number, struct err *err, const char *format, ...)
{
    char text[sizeof err->text];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return err_set(err, ERR_INPUT, "line %zu: %s", number, text);
}

bool inp_fail(const struct inp_line *line, struct err *err, const char *format, ...)
{
    char text[sizeof err->text];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return err_set(err, ERR_INPUT, "line %zu: %s", line->number, text);
}

/* ---- words ---- */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

static bool check_bytes(const struct inp_line *line, struct err *err)
{
    for (size_t i = 0; i < line->length; i++) {
        unsigned char byte = (unsigned char)line->text[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return inp_fail(line, err, "a byte that no text has (0x%02x): is this an .inp file?", byte);
    }
    return true;
}

bool inp_line_cut(struct inp_line *line, struct err *err)
{
    const char *at = line->text, *end = at + line->length;
    line->count = 0;
    while (at < end) {
        if (is_blank(*at)) {
            at++;
            continue;
        }
        if (line->count == INP_MOST_TOKENS)
            return inp_fail(line, err, "more than %d words", INP_MOST_TOKENS);
        bool is_quoted = *at == '"';
        const char *start = is_quoted ? at + 1 : at;
        for (at = start; at < end && (is_quoted ? *at != '"' : !is_blank(*at)); at++)
            ;
        if (is_quoted && at == end)
            return inp_fail(line, err, "a quote that does not end");
        line->tokens[line->count++] = (struct inp_token){ start, (size_t)(at - start) };
        at += is_quoted;
    }
    return true;
}

bool inp_line_next(struct inp_line *line, const char **at, const char *end, struct err *err)
{
    if (*at == end)
        return false;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    size_t length = (size_t)((stop ? stop : end) - *at);
    line->text = *at;
    line->number++;
    *at += length + (stop != NULL);
    const char *comment = memchr(line->text, ';', length);
    line->length = comment ? (size_t)(comment - line->text) : length;
    if (line->length > 0 && line->text[line->length - 1] == '\r')
        line->length--;
    if (line->length > INP_LONGEST_LINE)
        return inp_fail(line, err, "longer than %d bytes", INP_LONGEST_LINE);
    while (line->length > 0 && is_blank(line->text[0])) {
        line->text++;
        line->length--;
    }
    line->count = 0;
    return check_bytes(line, err);
}

bool inp_token_is(const struct inp_line *line, size_t index, const char *word)
{
    return index < line->count && line->tokens[index].length == strlen(word) &&
           strncasecmp(line->tokens[index].bytes, word, strlen(word)) == 0;
}

bool inp_at_least(const struct inp_line *line, size_t count, const char *expected, struct err *err)
{
    return line->count >= count || inp_fail(line, err, "%zu words; expected: %s", line->count, expected);
}

/* ---- numbers ---- */
static size_t digits(const char *text, size_t length, size_t at)
{
    size_t start = at;
    while (at < length && text[at] >= '0' && text[at] <= '9')
        at++;
    return at - start;
}

static bool is_number(const char *text, size_t length)
{
    size_t at = length > 0 && (text[0] == '+' || text[0] == '-');
    size_t before = digits(text, length, at), after = 0;
    at += before;
    if (at < length && text[at] == '.') {
        after = digits(text, length, at + 1);
        at += 1 + after;
    }
    if (before + after == 0)
        return false;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < length && (text[at] == '+' || text[at] == '-');
        size_t exponent = digits(text, length, at);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return at == length;
}

bool inp_number(const struct inp_line *line, size_t index, const char *what, double *out_value, struct err *err)
{
    const struct inp_token *token = &line->tokens[index];
    char text[LONGEST_NUMBER + 1];
    if (index >= line->count)
        return inp_fail(line, err, "%s is missing", what);
    if (token->length > LONGEST_NUMBER || !is_number(token->bytes, token->length))
        return inp_fail(line, err, "expected %s, which is a number, not \"%.*s\"", what,
            (int)(token->length < SHOWN ? token->length : SHOWN), token->bytes);
    memcpy(text, token->bytes, token->length);
    text[token->length] = '\0';
    /* Its form was looked at above; the locale of our programs is always "C". */
    double value = strtod(text, NULL);
    if (!isfinite(value) || fabs(value) > 1e15)
        return inp_fail(line, err, "%s is beyond all measure: %s", what, text);
    *out_value = value;
    return true;
}

bool inp_number_or(
    const struct inp_line *line, size_t index, const char *what, double preset, double *out_value, struct err *err)
{
    if (index < line->count)
        return inp_number(line, index, what, out_value, err);
    *out_value = preset;
    return true;
}

/* ---- ids ---- */
bool inp_id(struct inp_reader *reader, const struct inp_line *line, size_t index, const char *what, const char **out_id,
    struct err *err)
{
    const struct inp_token *token = &line->tokens[index];
    if (index >= line->count || token->length == 0)
        return inp_fail(line, err, "%s is missing", what);
    if (token->length > INP_LONGEST_ID)
        return inp_fail(line, err, "%s is longer than %d bytes", what, INP_LONGEST_ID);
    if (!text_is_utf8(token->bytes, token->length))
        return inp_fail(line, err, "%s is not UTF-8", what);
    const char *id = arena_text_n(reader->arena, token->bytes, token->length);
    if (!id)
        return err_set(err, ERR_LIMIT, "line %zu: the network is too large", line->number);
    *out_id = id;
    return true;
}

bool inp_id_or_none(struct inp_reader *reader, const struct inp_line *line, size_t index, const char *what,
    const char **out_id, struct err *err)
{
    *out_id = NULL;
    return index >= line->count || inp_token_is(line, index, "*") || inp_id(reader, line, index, what, out_id, err);
}

struct inp_node *inp_find_node(const struct inp_reader *reader, const struct inp_line *line, size_t index)
{
    const struct inp_token *token = &line->tokens[index];
    return index < line->count ? map_get(reader->nodes, token->bytes, token->length) : NULL;
}

struct inp_link *inp_find_link(const struct inp_reader *reader, const struct inp_line *line, size_t index)
{
    const struct inp_token *token = &line->tokens[index];
    return index < line->count ? map_get(reader->links, token->bytes, token->length) : NULL;
}
