#include "log_view.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/time_text.h"
#include <string.h>

/* A place in a line of JSON; the lines are flat objects that our own log writes. */
struct cursor {
    const char *at, *end;
};

struct piece {
    const char *text; /* of a string: without its quotes, escapes kept */
    size_t length;
    bool is_text;
};

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
}

static bool take_char(struct cursor *cursor, char c)
{
    skip_blanks(cursor);
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

static bool take_string(struct cursor *cursor, struct piece *piece)
{
    if (!take_char(cursor, '"'))
        return false;
    piece->text = cursor->at;
    piece->is_text = true;
    for (; cursor->at < cursor->end; cursor->at++) {
        if (*cursor->at == '\\')
            cursor->at++;
        else if (*cursor->at == '"') {
            piece->length = (size_t)(cursor->at++ - piece->text);
            return true;
        }
    }
    return false;
}

static bool take_value(struct cursor *cursor, struct piece *piece)
{
    skip_blanks(cursor);
    if (cursor->at < cursor->end && *cursor->at == '"')
        return take_string(cursor, piece);
    piece->text = cursor->at;
    piece->is_text = false;
    while (cursor->at < cursor->end && !strchr(",}]{[\" ", *cursor->at))
        cursor->at++;
    piece->length = (size_t)(cursor->at - piece->text);
    return piece->length > 0;
}

static bool is(const struct piece *piece, const char *text)
{
    return piece->length == strlen(text) && memcmp(piece->text, text, piece->length) == 0;
}

static bool is_repeated(const struct piece *key)
{
    static const char *const keys[] = { "service", "version", "instance", "span_id", "trace_id", "trace_flags" };
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (is(key, keys[i]))
            return true;
    return false;
}

static void put_value(struct buffer *out, const struct piece *value)
{
    bool needs_quotes = value->is_text && (value->length == 0 || memchr(value->text, ' ', value->length));
    if (needs_quotes)
        buffer_put_char(out, '"');
    buffer_put(out, value->text, value->length);
    if (needs_quotes)
        buffer_put_char(out, '"');
}

static void put_field(struct buffer *out, const struct piece *key, const struct piece *value, struct log_line *line)
{
    bool fits = true;
    if (is(key, "ts"))
        fits = text_copy(line->time, sizeof line->time, value->text, value->length);
    else if (is(key, "level"))
        fits = text_copy(line->level, sizeof line->level, value->text, value->length);
    else if (is(key, "msg"))
        buffer_put(out, value->text, value->length);
    else if (!is_repeated(key)) {
        buffer_put_char(out, ' ');
        buffer_put(out, key->text, key->length);
        buffer_put_char(out, '=');
        put_value(out, value);
    }
    (void)fits; /* a time or level that is too long is shown as none */
}

static bool put_object(struct buffer *out, const char *text, size_t length, struct log_line *line)
{
    struct cursor cursor = { text, text + length };
    struct piece key, value;
    if (!take_char(&cursor, '{'))
        return false;
    do {
        if (!take_string(&cursor, &key) || !take_char(&cursor, ':') || !take_value(&cursor, &value))
            return false;
        put_field(out, &key, &value, line);
    } while (take_char(&cursor, ','));
    return take_char(&cursor, '}') && cursor.at == cursor.end;
}

/* Servers that do not write JSON say it in words. */
static const char *level_of_text(const char *line, size_t length)
{
    static const struct {
        const char *word, *level;
    } words[] = { { "FATAL", "error" }, { "PANIC", "error" }, { "ERROR", "error" }, { "[ERR]", "error" },
        { "[FTL]", "error" }, { "WARNING", "warn" }, { "[WRN]", "warn" } };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (memmem(line, length, words[i].word, strlen(words[i].word)))
            return words[i].level;
    return "info";
}

void log_view_put(struct buffer *out, const char *line, size_t length, struct log_line *out_line)
{
    size_t before = out->size;
    *out_line = (struct log_line){ .is_json = true };
    if (put_object(out, line, length, out_line) && *out_line->time && *out_line->level)
        return;
    if (out->size > before)
        out->size = before;
    *out_line = (struct log_line){ .is_json = false };
    const char *level = level_of_text(line, length);
    memcpy(out_line->level, level, strlen(level));
    time_text_format(out_line->time, clock_now_us() / 1000 * 1000);
    buffer_put(out, line, length);
}

void log_view_put_json(
    struct buffer *out, const char *service, const char *line, size_t length, const struct log_line *known)
{
    struct json_writer writer;
    if (known->is_json) {
        buffer_put(out, line, length);
        buffer_put_char(out, '\n');
        return;
    }
    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_put_text(&writer, "ts", known->time);
    json_put_text(&writer, "level", known->level);
    json_put_text(&writer, "msg", "output");
    json_put_text(&writer, "service", service);
    json_key(&writer, "text");
    json_text_n(&writer, line, length);
    json_end_object(&writer);
    buffer_put_char(out, '\n');
}
