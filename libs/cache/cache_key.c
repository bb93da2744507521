#include "cache/cache_key.h"
#include <string.h>

/* Each part with its length before it, so that no text can look like two. */
static bool put(struct cache_key *key, const char *text)
{
    size_t length = strlen(text);
    if (length > UINT16_MAX || key->size + 2 + length > CACHE_KEY_SIZE)
        return false;
    key->bytes[key->size++] = (char)(length & 0xff);
    key->bytes[key->size++] = (char)(length >> 8);
    memcpy(key->bytes + key->size, text, length);
    key->size += length;
    return true;
}

/* The places of the parameters sorted by name; equal names stay as they came. */
static void sort(unsigned char order[CACHE_MOST_PARAMETERS], const struct cache_question *question)
{
    for (size_t i = 0; i < question->parameter_count; i++) {
        size_t at = i;
        for (; at > 0 && strcmp(question->parameters[order[at - 1]].name, question->parameters[i].name) > 0; at--)
            order[at] = order[at - 1];
        order[at] = (unsigned char)i;
    }
}

bool cache_key_make(struct cache_key *out_key, const struct cache_question *question)
{
    unsigned char order[CACHE_MOST_PARAMETERS];
    if (question->parameter_count > CACHE_MOST_PARAMETERS)
        return false;
    memcpy(out_key->bytes, &question->tenant_id, sizeof question->tenant_id);
    out_key->size = sizeof question->tenant_id;
    if (!put(out_key, question->scope) || !put(out_key, question->path))
        return false;
    sort(order, question);
    for (size_t i = 0; i < question->parameter_count; i++)
        if (!put(out_key, question->parameters[order[i]].name) || !put(out_key, question->parameters[order[i]].value))
            return false;
    return true;
}
