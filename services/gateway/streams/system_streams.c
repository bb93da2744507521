#include "bus/bus_streams.h"
#include "exchange.h"
#include "nwims/v1/system.pb-c.h"
#include "streams/system_status.h"
#include <stdlib.h>
#include <string.h>

const struct hand_written get_system_streams_manual = {
    .operation_id = "GetSystemStreams",
    .summary = "The streams of the message bus: what is in them, how full they are, and how far their readers are.",
    .reply = &nwims__v1__system_streams__descriptor,
};

static bool put_consumers(struct arena *arena, const struct bus_stream_status *stream, Nwims__V1__SystemStream *item)
{
    Nwims__V1__StreamConsumer *consumers = arena_alloc_array(arena, stream->consumer_count + 1, sizeof *consumers);
    item->consumers = arena_alloc_array(arena, stream->consumer_count + 1, sizeof *item->consumers);
    if (!consumers || !item->consumers)
        return false;
    for (size_t i = 0; i < stream->consumer_count; i++) {
        const struct bus_consumer_status *status = &stream->consumers[i];
        Nwims__V1__StreamConsumer *consumer = item->consumers[item->n_consumers++] = &consumers[i];
        nwims__v1__stream_consumer__init(consumer);
        consumer->name = status->name;
        consumer->has_lag = consumer->has_pending_acks = consumer->has_redelivered = consumer->has_readers = true;
        consumer->lag = (int64_t)status->waiting;
        consumer->pending_acks = (int64_t)status->unacknowledged;
        consumer->redelivered = (int64_t)status->redelivered;
        consumer->readers = (int64_t)status->requests;
    }
    return true;
}

static bool put_stream(struct arena *arena, const struct bus_stream_status *stream, Nwims__V1__SystemStream *item)
{
    nwims__v1__system_stream__init(item);
    item->name = stream->name;
    item->has_messages = item->has_bytes = true;
    item->messages = (int64_t)stream->messages;
    item->bytes = (int64_t)stream->bytes;
    item->has_ceiling_bytes = item->has_fill = stream->most_bytes > 0;
    item->ceiling_bytes = stream->most_bytes;
    item->fill = stream->most_bytes > 0 ? (double)stream->bytes / (double)stream->most_bytes : 0;
    item->has_oldest_at = stream->oldest_at_us > 0;
    item->oldest_at = stream->oldest_at_us;
    item->has_newest_at = stream->newest_at_us > 0;
    item->newest_at = stream->newest_at_us;
    item->has_keeps_s = stream->most_age_us > 0;
    item->keeps_s = stream->most_age_us / 1000000;
    return put_consumers(arena, stream, item);
}

static int by_name(const void *left, const void *right)
{
    const Nwims__V1__SystemStream *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static bool put_streams(
    struct arena *arena, const struct bus_stream_status *streams, size_t count, Nwims__V1__SystemStreams *reply)
{
    Nwims__V1__SystemStream *items = arena_alloc_array(arena, count + 1, sizeof *items);
    reply->items = arena_alloc_array(arena, count + 1, sizeof *reply->items);
    for (size_t i = 0; items && reply->items && i < count; i++) {
        if (!put_stream(arena, &streams[i], &items[i]))
            return false;
        reply->items[reply->n_items++] = &items[i];
    }
    if (reply->n_items > 0)
        qsort(reply->items, reply->n_items, sizeof *reply->items, by_name);
    return items && reply->items;
}

void get_system_streams(struct exchange *exchange)
{
    Nwims__V1__SystemStreams reply = NWIMS__V1__SYSTEM_STREAMS__INIT;
    struct bus_stream_status *streams;
    struct err err = { 0 };
    size_t count;
    if (!bus_streams_status(exchange->app->bus, exchange->arena, &streams, &count, &err))
        exchange_fail(exchange, &err);
    else if (!put_streams(exchange->arena, streams, count, &reply))
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
    else
        exchange_message(exchange, 200, &reply.base);
}
