#include "formats.h"
#include "ingest/json_scan.h"
#include "line.h"
#include <string.h>

/* A double holds whole numbers up to here. */
static const double most_number = 9007199254740992.0;

/* One line's members; each is there at most once. */
struct line {
    struct json_scan scan;
    struct incoming *message;
    struct arena *arena;
    struct text body;   /* the whole line */
    struct hello hello; /* beside the message: its members are spread over two objects */
    bool has_type;
};

static bool is(const struct json_text *name, const char *wanted)
{
    return name->length == strlen(wanted) && memcmp(name->bytes, wanted, name->length) == 0;
}

static bool take_number(struct json_scan *scan, uint64_t *out_number)
{
    double value;
    if (json_scan_number(scan, &value) != JSON_NUMBER || value < 0 || value > most_number ||
        value != (double)(uint64_t)value)
        return json_scan_fail(scan, "a whole number from 0 to 2^53 is wanted");
    *out_number = (uint64_t)value;
    return true;
}

static bool take_text(struct json_scan *scan, struct text *out_text)
{
    struct json_text text;
    if (!json_scan_text(scan, &text))
        return false;
    *out_text = (struct text){ text.bytes, text.length };
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool take_hex(struct line *line, struct text *out_text)
{
    struct text hex;
    if (!take_text(&line->scan, &hex))
        return false;
    char *bytes = arena_alloc(line->arena, hex.length / 2 + 1);
    if (!bytes || hex.length % 2 != 0)
        return json_scan_fail(&line->scan, "an even number of hexadecimal digits is wanted");
    for (size_t i = 0; i < hex.length; i += 2) {
        int high = hex_digit(hex.bytes[i]), low = hex_digit(hex.bytes[i + 1]);
        if (high < 0 || low < 0)
            return json_scan_fail(&line->scan, "hexadecimal digits are wanted");
        bytes[i / 2] = (char)(high << 4 | low);
    }
    *out_text = (struct text){ bytes, hex.length / 2 };
    return true;
}

/* ---- objects: each member to take ---- */
typedef bool member_taker(struct line *line, const struct json_text *name);

static bool take_object(struct line *line, member_taker *take)
{
    struct json_scan *scan = &line->scan;
    struct json_text name;
    bool more = true;
    if (!json_scan_take(scan, '{', "an object is wanted"))
        return false;
    if (json_scan_is_empty(scan, '}'))
        return true;
    while (more)
        if (!json_scan_name(scan, &name) || !take(line, &name) || !json_scan_next(scan, '}', &more))
            return false;
    return true;
}

static bool take_hello_member(struct line *line, const struct json_text *name)
{
    struct hello *hello = &line->hello;
    uint64_t number = 0;
    if (is(name, "epoch"))
        return take_number(&line->scan, &hello->epoch);
    if (is(name, "oldest"))
        return take_number(&line->scan, &hello->oldest);
    if (is(name, "next"))
        return take_number(&line->scan, &hello->next);
    if (is(name, "acknowledged"))
        return take_number(&line->scan, &hello->acknowledged);
    if (is(name, "firmware"))
        return take_text(&line->scan, &hello->firmware);
    if (!is(name, "version") && !is(name, "keep_alive_s"))
        return json_scan_skip(&line->scan);
    if (!take_number(&line->scan, &number))
        return false;
    if (is(name, "version"))
        hello->version = number <= UINT8_MAX ? (uint8_t)number : UINT8_MAX;
    else
        hello->keep_alive_s = number <= UINT32_MAX ? (uint32_t)number : UINT32_MAX;
    return true;
}

static bool take_auth_member(struct line *line, const struct json_text *name)
{
    struct hello *hello = &line->hello;
    bool is_token = is(name, "token"), is_identity = is(name, "identity");
    if (is(name, "nonce"))
        return take_hex(line, &hello->nonce);
    if (!is_token && !is_identity)
        return json_scan_skip(&line->scan);
    hello->way = is_token ? WAY_TOKEN : WAY_HMAC;
    return take_text(&line->scan, &hello->name);
}

static bool begin(struct line *line, enum message_type type)
{
    if (line->has_type && line->message->type != type)
        return json_scan_fail(&line->scan, "a line is one message");
    line->has_type = true;
    line->message->type = type;
    return true;
}

static bool take_hello(struct line *line)
{
    return begin(line, MESSAGE_HELLO) && take_object(line, take_hello_member);
}

/* {"auth": {...}} stands beside hello; {"auth": "hex"} answers a challenge. */
static bool take_auth(struct line *line)
{
    if (json_scan_peek(&line->scan) == '{')
        return take_object(line, take_auth_member);
    return begin(line, MESSAGE_AUTH) && take_hex(line, &line->message->mac);
}

static bool take_records(struct line *line)
{
    if (!begin(line, MESSAGE_DATA) || !take_number(&line->scan, &line->message->sequence))
        return false;
    line->message->data.count = 1;
    line->message->data.format = FORMAT_DEVICE_JSON;
    line->message->data.body = line->body;
    return true;
}

static bool take_reply(struct line *line)
{
    if (!begin(line, MESSAGE_COMMAND_REPLY) || !take_text(&line->scan, &line->message->reply.id))
        return false;
    line->message->reply.body = line->body;
    return true;
}

static bool take_empty(struct line *line, enum message_type type)
{
    return begin(line, type) && json_scan_skip(&line->scan);
}

static bool take_member(struct line *line, const struct json_text *name)
{
    if (is(name, "s"))
        return take_records(line);
    if (is(name, "hello"))
        return take_hello(line);
    if (is(name, "auth"))
        return take_auth(line);
    if (is(name, "ping"))
        return begin(line, MESSAGE_PING) && take_number(&line->scan, &line->message->sequence);
    if (is(name, "reply"))
        return take_reply(line);
    if (is(name, "time"))
        return take_empty(line, MESSAGE_TIME);
    if (is(name, "bye"))
        return take_empty(line, MESSAGE_BYE);
    return json_scan_skip(&line->scan);
}

/* ---- lines ---- */
static enum reading_outcome bad(struct fault *fault, enum bye_code code, const char *problem)
{
    *fault = (struct fault){ code, problem };
    return READ_BAD;
}

static bool is_blank(char c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

static enum reading_outcome read_line(struct line *line, struct fault *fault)
{
    if (!json_scan_begin(&line->scan, line->arena, line->body.bytes, line->body.length) ||
        !take_object(line, take_member) || !json_scan_end(&line->scan))
        return bad(fault, BYE_MALFORMED, line->scan.problem ? line->scan.problem : "the line is no JSON object");
    if (!line->has_type)
        return bad(fault, BYE_MALFORMED, "a line has one of hello, s, ping, reply, time, bye");
    if (line->message->type != MESSAGE_HELLO)
        return READ_MESSAGE;
    line->message->hello = line->hello;
    if (line->hello.version != PROTOCOL_VERSION)
        return bad(fault, BYE_VERSION, "this is no version that is spoken here: 1 is");
    return READ_MESSAGE;
}

enum reading_outcome line_read(struct arena *arena, const char *bytes, size_t size, size_t most,
    struct incoming *out_message, size_t *out_size, struct fault *out_fault)
{
    size_t start = 0;
    while (start < size && is_blank(bytes[start]))
        start++;
    const char *end = start < size ? memchr(bytes + start, '\n', size - start) : NULL;
    size_t length = end ? (size_t)(end - bytes) - start : size - start;
    if (length > most || start > most)
        return bad(out_fault, BYE_TOO_LARGE, "a line that is longer than may be");
    if (!end)
        return READ_MORE;
    struct line line = { .message = out_message,
        .arena = arena,
        .body = { bytes + start, length },
        .hello = { .version = PROTOCOL_VERSION, .oldest = 1, .next = 1 } };
    *out_message = (struct incoming){ 0 };
    *out_size = start + length + 1;
    return read_line(&line, out_fault);
}
