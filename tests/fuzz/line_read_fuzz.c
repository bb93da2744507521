/* Any bytes as lines of a device: refused with a code and a reason, or messages whose texts can be read to their end.
 */
#include "line.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>

enum { MOST = 4096, ARENA_BYTES = 1024 * 1024 };

static void look_at(const struct text *text)
{
    volatile unsigned sum = 0;
    if (text->length > 0 && !text->bytes)
        abort();
    for (size_t i = 0; i < text->length; i++)
        sum += (unsigned char)text->bytes[i];
    (void)sum;
}

static void look_at_message(const struct incoming *message)
{
    if (message->type == MESSAGE_HELLO) {
        if (message->hello.way >= WAYS || message->hello.version != PROTOCOL_VERSION)
            abort();
        look_at(&message->hello.name);
        look_at(&message->hello.nonce);
        look_at(&message->hello.firmware);
    } else if (message->type == MESSAGE_AUTH) {
        look_at(&message->mac);
    } else if (message->type == MESSAGE_DATA) {
        if (message->data.count != 1)
            abort();
        look_at(&message->data.body);
    } else if (message->type == MESSAGE_COMMAND_REPLY) {
        look_at(&message->reply.id);
        look_at(&message->reply.body);
    } else if (message->type != MESSAGE_PING && message->type != MESSAGE_TIME && message->type != MESSAGE_BYE) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_INPLACE(arena) arena;
    struct fault fault = { 0 };
    arena_init(&arena, ARENA_BYTES);
    for (size_t at = 0; at < size;) {
        struct incoming message;
        size_t taken = 0;
        arena_reset(&arena);
        enum reading_outcome outcome =
            line_read(&arena, (const char *)data + at, size - at, MOST, &message, &taken, &fault);
        if (outcome == READ_BAD && (!fault.problem || fault.code == BYE_NORMAL || fault.code >= BYE_CODES))
            abort();
        if (outcome != READ_MESSAGE)
            break;
        if (taken == 0 || taken > size - at)
            abort();
        look_at_message(&message);
        at += taken;
    }
    return 0;
}
