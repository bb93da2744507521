/* Any headers of a signed request, a line each, and a body: refused with a reason, or a key id and a nonce that can be
 * looked for; and no signature fits a key that nobody has. */
#include "signature.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

enum { HEADERS = 5, LONGEST = 4096, ARENA_BYTES = 1024 * 1024 };

/* The next line as a header: NULL if it is empty or there is none. */
static const char *header(char *room, const uint8_t **data, size_t *size)
{
    const uint8_t *end = memchr(*data, '\n', *size);
    size_t length = end ? (size_t)(end - *data) : *size;
    size_t copied = length < LONGEST ? length : LONGEST;
    memcpy(room, *data, copied);
    room[copied] = '\0';
    *data += length + (end != NULL);
    *size -= length + (end != NULL);
    return *room ? room : NULL;
}

static void must_be_printable(const char *text, size_t room)
{
    size_t length = strnlen(text, room);
    if (length == 0 || length == room)
        abort();
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_INPLACE(arena) arena;
    static char rooms[HEADERS][LONGEST + 1];
    static const unsigned char key[] = "a key that nobody has";
    struct signature signature;
    struct err err = { 0 };
    const char *texts[HEADERS] = { NULL };
    for (size_t i = 0; i < HEADERS && size > 0; i++)
        texts[i] = header(rooms[i], &data, &size);
    const struct signed_headers headers = { texts[0], texts[1], texts[2], texts[3], texts[4] };
    const struct signed_request request = {
        .method = "POST", .path = "/ingest/v1/readings", .query = "a=b", .body = data, .size = size
    };
    arena_init(&arena, ARENA_BYTES);
    if (!signature_is_there(&headers))
        return 0;
    if (!signature_read(&signature, &headers, &err)) {
        if (err.kind != ERR_UNAUTHENTICATED || err.text[0] == '\0')
            abort();
        return 0;
    }
    must_be_printable(signature.key_id, sizeof signature.key_id);
    must_be_printable(signature.nonce, sizeof signature.nonce);
    must_be_printable(signature.timestamp, sizeof signature.timestamp);
    if (signature_is_fresh(&signature, signature.signed_at + 300000001, 300000, &err) ||
        !signature_is_fresh(&signature, signature.signed_at, 300000, &err))
        abort();
    if (signature_matches(&signature, &request, key, sizeof key - 1, &arena) ||
        signature_matches(&signature, &request, key, 0, &arena))
        abort();
    return 0;
}
