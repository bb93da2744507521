#include "http/websocket_frames.h"
#include <string.h>

static bool is_control(enum frame_opcode opcode)
{
    return opcode >= FRAME_CLOSE;
}

static size_t head_size_wanted(const struct frame_reader *reader)
{
    if (reader->head_size < 2)
        return 2;
    size_t length = reader->head[1] & 0x7f;
    return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + 4; /* the last are the mask */
}

static uint64_t length_of(const unsigned char *head)
{
    uint64_t length = head[1] & 0x7f;
    size_t digits = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (digits > 0)
        length = 0;
    for (size_t i = 0; i < digits; i++)
        length = length << 8 | head[2 + i];
    return length;
}

/* What may not be: reserved bits and opcodes, no mask, fragments and lengths of control frames, a message in another.
 */
static bool may_be(const struct frame_reader *reader)
{
    enum frame_opcode opcode = reader->head[0] & 0x0f;
    bool is_last = reader->head[0] & 0x80, has_mask = reader->head[1] & 0x80;
    if ((reader->head[0] & 0x70) || !has_mask || (opcode > FRAME_BINARY && opcode < FRAME_CLOSE) || opcode > FRAME_PONG)
        return false;
    if (is_control(opcode))
        return is_last && (reader->head[1] & 0x7f) <= FRAME_LONGEST_CONTROL;
    return (opcode == FRAME_CONTINUATION) == reader->in_message;
}

static enum frame_event begin_payload(struct frame_reader *reader)
{
    reader->opcode = reader->head[0] & 0x0f;
    reader->left = length_of(reader->head);
    reader->in_payload = true;
    reader->payload_size = 0;
    if (is_control(reader->opcode))
        return FRAME_MORE;
    if (reader->left > FRAME_LARGEST_MESSAGE || (reader->message_size += reader->left) > FRAME_LARGEST_MESSAGE)
        return FRAME_TOO_BIG;
    return FRAME_MORE;
}

static enum frame_event end_payload(struct frame_reader *reader)
{
    bool is_last = reader->head[0] & 0x80;
    reader->in_payload = false;
    reader->head_size = 0;
    if (is_control(reader->opcode))
        return FRAME_CONTROL;
    reader->in_message = !is_last;
    if (is_last)
        reader->message_size = 0;
    return FRAME_MORE;
}

static size_t take_payload(struct frame_reader *reader, const unsigned char *bytes, size_t size)
{
    size_t count = reader->left < size ? (size_t)reader->left : size;
    const unsigned char *mask = reader->head + reader->head_size - 4;
    if (is_control(reader->opcode))
        for (size_t i = 0; i < count; i++, reader->payload_size++)
            reader->payload[reader->payload_size] = bytes[i] ^ mask[reader->payload_size % 4];
    reader->left -= count;
    return count;
}

enum frame_event frame_read(struct frame_reader *reader, const unsigned char *bytes, size_t size, size_t *out_taken)
{
    enum frame_event event = FRAME_MORE;
    size_t at = 0;
    while (event == FRAME_MORE && (at < size || (reader->in_payload && reader->left == 0))) {
        if (reader->in_payload) {
            at += take_payload(reader, bytes + at, size - at);
            if (reader->left == 0)
                event = end_payload(reader);
            continue;
        }
        reader->head[reader->head_size++] = bytes[at++];
        if (reader->head_size == 2 && !may_be(reader))
            event = FRAME_BROKEN;
        else if (reader->head_size >= 2 && reader->head_size == head_size_wanted(reader))
            event = begin_payload(reader);
    }
    *out_taken = at;
    return event;
}

size_t frame_head(unsigned char head[FRAME_HEAD_SIZE], enum frame_opcode opcode, size_t size)
{
    size_t digits = size < 126 ? 0 : size <= 0xffff ? 2 : 8;
    head[0] = (unsigned char)(0x80 | opcode);
    head[1] = (unsigned char)(digits == 0 ? size : digits == 2 ? 126 : 127);
    for (size_t i = 0; i < digits; i++)
        head[2 + i] = (unsigned char)((uint64_t)size >> (8 * (digits - 1 - i)));
    return 2 + digits;
}
