/* Events of a stream in groups: a durable that all replicas share, a thread of its own, acknowledged after
 * what take did is committed. A group that fails is tried one by one; what can never be taken then is dropped and
 * logged. */
#pragma once
#include "registry.h"
#include "wire/wire.h"

/* The events as decoded, in the order of the stream; they live until it returns. It may see an event again: what it
 * does twice must be the same as once. */
typedef bool event_feed_take(struct registry *registry, const ProtobufCMessage *const *events, size_t count,
    struct arena *arena, struct err *err);
struct event_feed_config {
    const char *stream; /* NULL: EVENTS */
    const char *durable;
    const char *filter;
    const ProtobufCMessageDescriptor *type;
    event_feed_take *take;
};
struct event_feed;
MUST_CHECK bool event_feed_start(
    struct event_feed **out_feed, struct registry *registry, const struct event_feed_config *config, struct err *err);
void event_feed_stop(struct event_feed *feed); /* NULL is fine */
