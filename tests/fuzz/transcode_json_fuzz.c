/* JSON into messages: the first byte picks the type, the rest is the text. What is taken must come out as JSON that is
 * taken again and says the same. */
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/identity.pb-c.h"
#include "nwims/v1/readings.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "tests/fuzz/fuzz.h"
#include "transcode/transcode.h"
#include <stdlib.h>
#include <string.h>

/* New ones go to the end, or the seeds change their meaning. */
static const ProtobufCMessageDescriptor *const types[] = {
    &nwims__v1__sensor__descriptor,
    &nwims__v1__list_sensors_reply__descriptor,
    &nwims__v1__reading_batch__descriptor,
    &nwims__v1__refused__descriptor,
    &nwims__v1__aggregate_request__descriptor,
    &nwims__v1__latest_request__descriptor,
    &nwims__v1__statistics__descriptor,
    &nwims__v1__create_user_request__descriptor,
    &nwims__v1__empty__descriptor,
    &nwims__v1__zone__descriptor,
    &nwims__v1__municipality__descriptor,
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Read-only fields and list items that are not finite do not come back; everything else does, and a second time nothing
 * changes. */
static void there_and_back(struct arena *arena, const ProtobufCMessage *message)
{
    AUTO_INPLACE(buffer) first = { 0 };
    AUTO_INPLACE(buffer) second = { 0 };
    struct transcode_violations violations = { 0 };
    struct err err = { 0 };
    must(transcode_to_json(&first, message, &err));
    ProtobufCMessage *again = wire_new(arena, message->descriptor);
    if (!again)
        return;
    if (!transcode_from_json(again, arena, first.data, first.size, false, &violations, &err)) {
        must(err.kind == ERR_LIMIT);
        return;
    }
    must(transcode_to_json(&second, again, &err));
    must(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct transcode_violations violations = { 0 };
    struct err err = { 0 };
    if (size == 0)
        return 0;
    arena_init(&arena, 8 * 1024 * 1024);
    const ProtobufCMessageDescriptor *type = types[data[0] % COUNT_OF(types)];
    ProtobufCMessage *message = wire_new(&arena, type);
    if (transcode_from_json(message, &arena, (const char *)data + 1, size - 1, data[0] & 0x80, &violations, &err)) {
        must(violations.count == 0);
        there_and_back(&arena, message);
    } else {
        must((err.kind == ERR_INPUT || err.kind == ERR_LIMIT) && err.text[0]);
    }
    arena_done(&arena);
    return 0;
}
