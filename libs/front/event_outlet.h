/* Events of devices to the stream EVENTS, in the order given, without making anyone wait: a bounded queue and a thread.
 * Sent again until stored; only when the queue is full, after a long absence of the bus, they are dropped and counted.
 */
#pragma once
#include "bus/bus.h"
#include "wire/wire.h"

struct event_outlet;
MUST_CHECK bool event_outlet_open(
    struct event_outlet **out_outlet, struct bus *bus, size_t most_waiting, struct err *err);
/* Gives what waits wait_ms to leave. */
void event_outlet_close(struct event_outlet *outlet, int64_t wait_ms);
/* On events.<tenant>.<entity>. Any thread; encodes at once. */
void event_outlet_put(
    struct event_outlet *outlet, int32_t tenant_id, const char *entity, const ProtobufCMessage *message);
