#include "bus/bus_streams.h"
#include "bus/bus_internal.h"

static bool take_consumer(
    const jsConsumerInfo *info, struct arena *arena, struct bus_consumer_status *out_consumer, struct err *err)
{
    *out_consumer = (struct bus_consumer_status){ .name = arena_text(arena, info->Name),
        .created_at_us = info->Created / 1000,
        .waiting = info->NumPending,
        .unacknowledged = info->NumAckPending > 0 ? (uint64_t)info->NumAckPending : 0,
        .redelivered = info->NumRedelivered > 0 ? (uint64_t)info->NumRedelivered : 0,
        .acknowledged_to = info->AckFloor.Stream,
        .requests = info->NumWaiting > 0 ? (uint64_t)info->NumWaiting : 0 };
    return out_consumer->name || err_set(err, ERR_LIMIT, "no memory left for the consumers");
}

static bool take_consumers(
    const jsConsumerInfoList *list, struct arena *arena, struct bus_stream_status *stream, struct err *err)
{
    stream->consumers = arena_alloc_array(arena, (size_t)list->Count + 1, sizeof *stream->consumers);
    if (!stream->consumers)
        return err_set(err, ERR_LIMIT, "no memory left for the consumers");
    for (int i = 0; i < list->Count; i++, stream->consumer_count++)
        if (!take_consumer(list->List[i], arena, &stream->consumers[i], err))
            return false;
    return true;
}

static bool take_stream(struct bus *bus, const jsStreamInfo *info, struct arena *arena,
    struct bus_stream_status *out_stream, struct err *err)
{
    jsConsumerInfoList *consumers = NULL;
    jsErrCode code = 0;
    bool is_used = info->State.Msgs > 0;
    *out_stream = (struct bus_stream_status){ .name = arena_text(arena, info->Config->Name),
        .messages = info->State.Msgs,
        .bytes = info->State.Bytes,
        .first_sequence = info->State.FirstSeq,
        .last_sequence = info->State.LastSeq,
        .most_bytes = info->Config->MaxBytes,
        .most_age_us = info->Config->MaxAge / 1000,
        .oldest_at_us = is_used ? info->State.FirstTime / 1000 : 0,
        .newest_at_us = info->State.LastSeq > 0 ? info->State.LastTime / 1000 : 0,
        .is_work_queue = info->Config->Retention == js_WorkQueuePolicy };
    if (!out_stream->name)
        return err_set(err, ERR_LIMIT, "no memory left for the streams");
    natsStatus status = js_Consumers(&consumers, bus->streams, info->Config->Name, NULL, &code);
    if (status == NATS_NOT_FOUND)
        return true; /* it has none */
    if (status != NATS_OK)
        return bus_fail_api(err, status, code, "looking at the consumers of", info->Config->Name);
    bool ok = take_consumers(consumers, arena, out_stream, err);
    jsConsumerInfoList_Destroy(consumers);
    return ok;
}

bool bus_streams_status(
    struct bus *bus, struct arena *arena, struct bus_stream_status **out_streams, size_t *out_count, struct err *err)
{
    jsStreamInfoList *list = NULL;
    jsErrCode code = 0;
    if (!bus_check_connected(bus->control, "the streams", err))
        return false;
    natsStatus status = js_Streams(&list, bus->streams, NULL, &code);
    size_t count = status == NATS_OK ? (size_t)list->Count : 0;
    if (status != NATS_OK && status != NATS_NOT_FOUND)
        return bus_fail_api(err, status, code, "looking at", "the streams");
    struct bus_stream_status *streams = arena_alloc_array(arena, count + 1, sizeof *streams);
    bool ok = streams || err_set(err, ERR_LIMIT, "no memory left for the streams");
    for (size_t i = 0; ok && i < count; i++)
        ok = take_stream(bus, list->List[i], arena, &streams[i], err);
    jsStreamInfoList_Destroy(list);
    *out_streams = streams;
    *out_count = count;
    return ok;
}
