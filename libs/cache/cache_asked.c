/* What is asked for: a gateway tells which of the answers that age by the clock it had to look for beyond its memory,
 * so that whoever fills the cache knows which to keep fresh. Told at most once for each time that its memory keeps an
 * answer; a message that is lost costs somebody a question to the owner. */
#include "cache/cache_internal.h"
#include "nwims/v1/cache.pb-c.h"
#include "wire/wire.h"
#include <string.h>

#define SUBJECT "cache.asked"
enum { ARENA_BYTES = 8 * 1024, LARGEST_MESSAGE = 2 * 1024 };

void cache_asked_tell(struct cache *cache, enum cache_class class, const struct cache_question *question)
{
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = LARGEST_MESSAGE };
    Nwims__V1__CacheAsked asked = NWIMS__V1__CACHE_ASKED__INIT;
    struct err ignored = { 0 };
    if (class != CACHE_STATISTICS || *question->scope || question->parameter_count > 0)
        return;
    asked.has_tenant_id = true;
    asked.tenant_id = question->tenant_id;
    asked.path = (char *)(uintptr_t)question->path;
    if (wire_encode(&bytes, &asked.base, &ignored)) {
        const struct bus_outgoing outgoing = { .subject = SUBJECT, .data = bytes.data, .size = bytes.size };
        if (!bus_publish_plain(cache->config.bus, &outgoing, &ignored))
            return;
    }
}

static void on_asked_take(void *context, struct bus_message *message)
{
    struct cache *cache = context;
    AUTO_INPLACE(arena) arena;
    ProtobufCMessage *decoded;
    struct err ignored = { 0 };
    arena_init(&arena, ARENA_BYTES);
    if (bus_message_size(message) <= LARGEST_MESSAGE &&
        wire_decode(&decoded, &arena, &nwims__v1__cache_asked__descriptor, bus_message_data(message),
            bus_message_size(message), &ignored)) {
        const Nwims__V1__CacheAsked *asked = (const Nwims__V1__CacheAsked *)decoded;
        if (asked->has_tenant_id && asked->tenant_id > 0 && asked->path)
            cache->config.asked(cache->config.context, asked->tenant_id, asked->path);
    }
    bus_message_close(message);
}

bool cache_asked_listen(struct cache *cache, struct err *err)
{
    return !cache->config.asked ||
           bus_subscribe(&cache->asked, cache->config.bus, SUBJECT, NULL, on_asked_take, cache, err);
}
