/* Texts of packets, level by level. */
#pragma once
#include "mqtt_packet.h"
#include <string.h>

static inline bool mqtt_text_is(const struct mqtt_text *text, const char *wanted)
{
    return text->length == strlen(wanted) && (text->length == 0 || memcmp(text->bytes, wanted, text->length) == 0);
}

/* Takes the first level and its slash off *rest, which is empty at the end. */
static inline struct mqtt_text mqtt_text_level(struct mqtt_text *rest)
{
    const char *slash = rest->length > 0 ? memchr(rest->bytes, '/', rest->length) : NULL;
    struct mqtt_text first = { rest->bytes, slash ? (size_t)(slash - rest->bytes) : rest->length };
    size_t taken = first.length + (slash ? 1 : 0);
    *rest = (struct mqtt_text){ rest->bytes + taken, rest->length - taken };
    return first;
}

/* Takes the prefix off if it is there. */
static inline bool mqtt_text_skip(struct mqtt_text *text, const char *prefix)
{
    size_t length = strlen(prefix);
    if (text->length < length || memcmp(text->bytes, prefix, length) != 0)
        return false;
    *text = (struct mqtt_text){ text->bytes + length, text->length - length };
    return true;
}
