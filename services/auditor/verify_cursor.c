#include "verify_cursor.h"
#include "base/number.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HASH_TEXT = 2 * SHA256_SIZE, ID_TEXT = UUID_TEXT_SIZE - 1 };

void verify_cursor_write(char text[VERIFY_CURSOR_SIZE], const struct chain_walk *walk)
{
    char id[UUID_TEXT_SIZE], link[HASH_TEXT + 1], other[HASH_TEXT + 1];
    uuid_format(id, &walk->id);
    text_hex(link, walk->link, SHA256_SIZE);
    text_hex(other, walk->other, SHA256_SIZE);
    snprintf(text, VERIFY_CURSOR_SIZE, "%" PRId64 ".%s.%s.%s", walk->sequence, id, link, other);
}

bool verify_cursor_read(struct chain_walk *walk, const char *text)
{
    unsigned char link[SHA256_SIZE], other[SHA256_SIZE];
    struct uuid id;
    int64_t sequence;
    size_t digits = strcspn(text, ".");
    const char *rest = text + digits + 1;
    if (strnlen(text, VERIFY_CURSOR_SIZE) != digits + 3 + ID_TEXT + 2 * HASH_TEXT ||
        !number_parse_int(text, digits, &sequence) || sequence < 1 || !uuid_parse(rest, ID_TEXT, &id) ||
        rest[ID_TEXT] != '.' || !text_from_hex(link, SHA256_SIZE, rest + ID_TEXT + 1, HASH_TEXT) ||
        rest[ID_TEXT + 1 + HASH_TEXT] != '.' ||
        !text_from_hex(other, SHA256_SIZE, rest + ID_TEXT + 2 + HASH_TEXT, HASH_TEXT))
        return false;
    chain_walk_resume(walk, sequence, &id, link, other);
    return true;
}
