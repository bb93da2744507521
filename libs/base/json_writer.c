#include "base/json_writer.h"
#include "base/number.h"
#include "base/text.h"
#include <inttypes.h>
#include <string.h>

void json_writer_init(struct json_writer *writer, struct buffer *out)
{
    *writer = (struct json_writer){ .out = out };
}

static void separate(struct json_writer *writer)
{
    if (writer->needs_comma)
        buffer_put_char(writer->out, ',');
    writer->needs_comma = true;
}

static void open_with(struct json_writer *writer, char bracket)
{
    separate(writer);
    buffer_put_char(writer->out, bracket);
    writer->needs_comma = false;
}

static void close_with(struct json_writer *writer, char bracket)
{
    buffer_put_char(writer->out, bracket);
    writer->needs_comma = true;
}

void json_begin_object(struct json_writer *writer)
{
    open_with(writer, '{');
}

void json_end_object(struct json_writer *writer)
{
    close_with(writer, '}');
}

void json_begin_array(struct json_writer *writer)
{
    open_with(writer, '[');
}

void json_end_array(struct json_writer *writer)
{
    close_with(writer, ']');
}

static void put_escaped(struct buffer *out, unsigned char c)
{
    switch (c) {
    case '"':
        buffer_put(out, "\\\"", 2);
        break;
    case '\\':
        buffer_put(out, "\\\\", 2);
        break;
    case '\n':
        buffer_put(out, "\\n", 2);
        break;
    case '\r':
        buffer_put(out, "\\r", 2);
        break;
    case '\t':
        buffer_put(out, "\\t", 2);
        break;
    default:
        buffer_printf(out, "\\u%04x", c);
    }
}

static void put_quoted(struct buffer *out, const char *text, size_t length)
{
    buffer_put_char(out, '"');
    size_t plain_from = 0;
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)text[i];
        size_t step = c < 0x80 ? 1 : text_utf8_length(text + i, length - i);
        bool is_plain = step > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
        if (!is_plain) {
            buffer_put(out, text + plain_from, i - plain_from);
            if (step == 0)
                buffer_put(out, "\xef\xbf\xbd", 3);
            else
                put_escaped(out, c);
            plain_from = i + 1;
            step = 1;
        }
        i += step;
    }
    buffer_put(out, text + plain_from, length - plain_from);
    buffer_put_char(out, '"');
}

void json_key(struct json_writer *writer, const char *key)
{
    separate(writer);
    put_quoted(writer->out, key, strlen(key));
    buffer_put_char(writer->out, ':');
    writer->needs_comma = false;
}

void json_text_n(struct json_writer *writer, const char *text, size_t length)
{
    separate(writer);
    put_quoted(writer->out, text, length);
}

void json_text(struct json_writer *writer, const char *text)
{
    json_text_n(writer, text, strlen(text));
}

void json_int(struct json_writer *writer, int64_t value)
{
    char text[NUMBER_TEXT_SIZE];
    separate(writer);
    buffer_put(writer->out, text, number_format_int(text, value));
}

void json_uint(struct json_writer *writer, uint64_t value)
{
    separate(writer);
    buffer_printf(writer->out, "%" PRIu64, value);
}

void json_double(struct json_writer *writer, double value)
{
    char text[NUMBER_TEXT_SIZE];
    separate(writer);
    buffer_put(writer->out, text, number_format(text, value));
}

void json_bool(struct json_writer *writer, bool value)
{
    separate(writer);
    buffer_put_text(writer->out, value ? "true" : "false");
}

void json_null(struct json_writer *writer)
{
    separate(writer);
    buffer_put(writer->out, "null", 4);
}

void json_raw(struct json_writer *writer, const char *json, size_t length)
{
    separate(writer);
    buffer_put(writer->out, json, length);
}

void json_put_text(struct json_writer *writer, const char *key, const char *text)
{
    json_key(writer, key);
    json_text(writer, text);
}

void json_put_int(struct json_writer *writer, const char *key, int64_t value)
{
    json_key(writer, key);
    json_int(writer, value);
}
