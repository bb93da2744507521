#include "base/json_writer.h"
#include "base/text.h"
#include "base/time_text.h"
#include "line.h"
#include <string.h>

static void put_time(struct json_writer *json, const char *name, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];
    time_text_format(text, time_us);
    json_put_text(json, name, text);
}

static void put_number(struct json_writer *json, const char *name, uint64_t number)
{
    json_key(json, name);
    json_uint(json, number);
}

static void put_welcome(struct json_writer *json, const struct outgoing *message)
{
    json_key(json, "welcome");
    json_begin_object(json);
    put_number(json, "committed", message->sequence);
    put_number(json, "credit", message->credit);
    put_number(json, "longest_line", message->most_bytes);
    put_number(json, "keep_alive_s", message->keep_alive_s);
    put_time(json, "time", message->time_us);
    json_end_object(json);
}

static void put_reason(struct json_writer *json, const struct outgoing *message)
{
    if (message->text)
        json_put_text(json, "problem", message->text);
    if (message->after_ms > 0)
        put_number(json, "after_ms", message->after_ms);
}

static void put_command(struct json_writer *json, const struct outgoing *message)
{
    json_key(json, "command");
    json_begin_object(json);
    json_put_text(json, "id", message->id);
    json_put_text(json, "name", message->text);
    json_key(json, "payload");
    json_raw(json, message->payload, strlen(message->payload));
    json_end_object(json);
}

static void put_members(struct json_writer *json, const struct outgoing *message)
{
    char hex[2 * NONCE_SIZE + 1];
    switch (message->type) {
    case MESSAGE_CHALLENGE:
        text_hex(hex, message->nonce, NONCE_SIZE);
        json_put_text(json, "challenge", hex);
        break;
    case MESSAGE_WELCOME:
        put_welcome(json, message);
        break;
    case MESSAGE_ACK:
        put_number(json, "ack", message->sequence);
        put_number(json, "credit", message->credit);
        break;
    case MESSAGE_NACK:
        put_number(json, "nack", message->sequence);
        json_put_text(json, "code", message->code == NACK_PERMANENT ? "permanent" : "retry");
        put_reason(json, message);
        break;
    case MESSAGE_PONG:
        put_number(json, "pong", message->sequence);
        break;
    case MESSAGE_COMMAND:
        put_command(json, message);
        break;
    case MESSAGE_TIME:
        put_time(json, "time", message->time_us);
        break;
    case MESSAGE_BYE:
        json_put_text(json, "bye", bye_code_name((enum bye_code)message->code));
        put_reason(json, message);
        break;
    case MESSAGE_PAUSE:
        put_number(json, "pause_ms", message->after_ms);
        break;
    case MESSAGE_RESUME:
        put_number(json, "resume", message->credit);
        break;
    default:
        break;
    }
}

void line_write(struct buffer *out, const struct outgoing *message)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_begin_object(&json);
    put_members(&json, message);
    json_end_object(&json);
    buffer_put_char(out, '\n');
}
