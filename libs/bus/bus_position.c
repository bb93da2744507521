#include "bus/bus_position.h"
#include "base/number.h"
#include <string.h>

enum { MOST_TOKENS = 16, SHORT_TOKENS = 9, LONG_TOKENS = 11 };
static const char ack_prefix[] = "$JS.ACK.";

struct token {
    const char *text;
    size_t length;
};

bool bus_reply_is_ack(const char *reply)
{
    return reply && strncmp(reply, ack_prefix, sizeof ack_prefix - 1) == 0;
}

static size_t split(const char *text, struct token tokens[MOST_TOKENS])
{
    for (size_t count = 0; count < MOST_TOKENS; count++) {
        tokens[count] = (struct token){ text, strcspn(text, ".") };
        text += tokens[count].length;
        if (*text++ == '\0')
            return count + 1;
    }
    return 0;
}

static bool parse_count(const struct token *token, uint64_t *out_count)
{
    int64_t value;
    if (!number_parse_int(token->text, token->length, &value) || value < 0)
        return false;
    *out_count = (uint64_t)value;
    return true;
}

bool bus_position_parse(const char *reply, struct bus_position *out_position)
{
    struct token tokens[MOST_TOKENS];
    struct bus_position position;
    if (!bus_reply_is_ack(reply))
        return false;
    size_t count = split(reply, tokens);
    if (count != SHORT_TOKENS && count < LONG_TOKENS)
        return false;
    const struct token *after_durable = &tokens[count == SHORT_TOKENS ? 4 : 6];
    if (!parse_count(&after_durable[0], &position.delivered) ||
        !parse_count(&after_durable[1], &position.stream_sequence) ||
        !parse_count(&after_durable[4], &position.pending))
        return false;
    *out_position = position;
    return true;
}
