/* Any bytes as frames of a device, one after another, with the trailer that the first byte says: refused with a code
 * and a reason, or messages whose texts lie in the bytes. What is cut anywhere before the end of a frame is no message.
 */
#include "nwt.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>

/* Every byte is looked at, so that one outside is seen. */
static void look_at(const struct text *text, const uint8_t *start, const uint8_t *end)
{
    volatile unsigned sum = 0;
    const uint8_t *at = (const uint8_t *)text->bytes;
    if (text->length > 0 && (!at || at < start || text->length > (size_t)(end - at)))
        abort();
    for (size_t i = 0; i < text->length; i++)
        sum += at[i];
    (void)sum;
}

static void look_at_message(const struct incoming *message, const uint8_t *start, const uint8_t *end)
{
    switch (message->type) {
    case MESSAGE_HELLO:
        if (message->hello.way >= WAYS || message->hello.version != PROTOCOL_VERSION)
            abort();
        look_at(&message->hello.name, start, end);
        look_at(&message->hello.nonce, start, end);
        look_at(&message->hello.firmware, start, end);
        break;
    case MESSAGE_AUTH:
        look_at(&message->mac, start, end);
        break;
    case MESSAGE_DATA:
        look_at(&message->data.body, start, end);
        break;
    case MESSAGE_COMMAND_REPLY:
        look_at(&message->reply.id, start, end);
        look_at(&message->reply.body, start, end);
        break;
    case MESSAGE_PING:
    case MESSAGE_TIME:
    case MESSAGE_BYE:
        break;
    default: /* what devices do not send must not come out */
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nwt_guard guard = { .in = size > 0 ? (enum nwt_trailer)(data[0] % 3) : NWT_BARE, .key = { 1, 2, 3 } };
    struct fault fault = { 0 };
    for (size_t at = 1; at < size;) {
        struct incoming message;
        struct nwt_guard again = guard;
        size_t taken = 0, ignored = 0;
        enum reading_outcome outcome = nwt_read(&guard, data + at, size - at, 4096, &message, &taken, &fault);
        if (outcome == READ_BAD && (!fault.problem || fault.code == BYE_NORMAL || fault.code >= BYE_CODES))
            abort();
        if (outcome != READ_MESSAGE)
            break;
        if (taken < NWT_HEADER || taken > size - at)
            abort();
        look_at_message(&message, data + at, data + at + taken);
        if (nwt_read(&again, data + at, taken - 1, 4096, &message, &ignored, &fault) != READ_MORE)
            abort();
        at += taken;
    }
    return 0;
}
