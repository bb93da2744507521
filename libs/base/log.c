#include "base/log.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/time_text.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_LINE_BYTES = 16 * 1024 };

static struct {
    char service[64];
    char version[32];
    char instance[80];
    atomic_int least;
    bool is_terminal;
} sink = { .least = LOG_INFO };

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_start(const char *service, const char *version, enum log_level least)
{
    char host[48] = "";
    gethostname(host, sizeof host - 1);
    snprintf(sink.service, sizeof sink.service, "%s", service);
    snprintf(sink.version, sizeof sink.version, "%s", version);
    snprintf(sink.instance, sizeof sink.instance, "%s:%d", host, (int)getpid());
    sink.is_terminal = isatty(STDERR_FILENO);
    log_set_level(least);
}

void log_set_level(enum log_level least)
{
    atomic_store(&sink.least, (int)least);
}

bool log_level_parse(const char *text, enum log_level *out_level)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++)
        if (strcmp(text, level_names[i]) == 0) {
            *out_level = (enum log_level)i;
            return true;
        }
    return false;
}

static void write_value(struct json_writer *writer, const struct log_field *field)
{
    switch (field->type) {
    case LOG_FIELD_TEXT:
        if (field->text)
            json_text(writer, field->text);
        else
            json_null(writer);
        break;
    case LOG_FIELD_INT:
        json_int(writer, field->number);
        break;
    case LOG_FIELD_DOUBLE:
        json_double(writer, field->real);
        break;
    case LOG_FIELD_BOOL:
        json_bool(writer, field->number != 0);
        break;
    case LOG_FIELD_END:
        break;
    }
}

static void write_json(struct buffer *line, enum log_level level, const struct log_scope *scope, const char *event,
    const char *time, const struct log_field *fields)
{
    struct json_writer writer;
    json_writer_init(&writer, line);
    json_begin_object(&writer);
    json_put_text(&writer, "ts", time);
    json_put_text(&writer, "level", level_names[level]);
    json_put_text(&writer, "msg", event);
    json_put_text(&writer, "service", sink.service);
    json_put_text(&writer, "version", sink.version);
    json_put_text(&writer, "instance", sink.instance);
    if (scope && scope->trace_id)
        json_put_text(&writer, "trace_id", scope->trace_id);
    if (scope && scope->span_id)
        json_put_text(&writer, "span_id", scope->span_id);
    if (scope && scope->request_id)
        json_put_text(&writer, "request_id", scope->request_id);
    if (scope && scope->tenant_id)
        json_put_int(&writer, "tenant_id", scope->tenant_id);
    for (; fields->type != LOG_FIELD_END; fields++) {
        json_key(&writer, fields->name);
        write_value(&writer, fields);
    }
    json_end_object(&writer);
}

static void write_human(struct buffer *line, enum log_level level, const struct log_scope *scope, const char *event,
    const char *time, const struct log_field *fields)
{
    struct json_writer writer;
    buffer_printf(line, "%.12s %-5s %s: %s", time + 11, level_names[level], sink.service, event);
    if (scope && scope->request_id)
        buffer_printf(line, " request_id=%s", scope->request_id);
    for (; fields->type != LOG_FIELD_END; fields++) {
        buffer_printf(line, " %s=", fields->name);
        json_writer_init(&writer, line);
        write_value(&writer, fields);
    }
}

void log_event(enum log_level level, const struct log_scope *scope, const char *event, const struct log_field *fields)
{
    if ((int)level < atomic_load_explicit(&sink.least, memory_order_relaxed))
        return;
    AUTO_INPLACE(buffer) line = { .ceiling_bytes = LONGEST_LINE_BYTES };
    char time[TIME_TEXT_SIZE];
    time_text_format(time, clock_now_us() / 1000 * 1000);
    if (sink.is_terminal)
        write_human(&line, level, scope, event, time, fields);
    else
        write_json(&line, level, scope, event, time, fields);
    if (!buffer_ok(&line)) {
        static const struct log_field none[] = { { .type = LOG_FIELD_END } };
        buffer_reset(&line);
        write_json(&line, level, scope, event, time, none);
    }
    buffer_put_char(&line, '\n');
    /* One write, so that lines of several threads and processes do not mix. */
    if (buffer_ok(&line) && write(STDERR_FILENO, line.data, line.size) < 0)
        return;
}
