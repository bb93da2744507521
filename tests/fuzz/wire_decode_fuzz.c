/* Bytes from the bus into messages: the first byte picks the type. What is decoded can be encoded again and written as
 * JSON. */
#include "nwims/v1/common.pb-c.h"
#include "nwims/v1/readings.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "tests/fuzz/fuzz.h"
#include "transcode/transcode.h"
#include <stdlib.h>
#include <string.h>

/* New ones go to the end, or the seeds change their meaning. */
static const ProtobufCMessageDescriptor *const types[] = {
    &nwims__v1__reading_batch__descriptor,
    &nwims__v1__list_sensors_reply__descriptor,
    &nwims__v1__refused__descriptor,
    &nwims__v1__commit_result__descriptor,
    &nwims__v1__failure__descriptor,
    &nwims__v1__resolve_sensors_reply__descriptor,
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Unknown fields are carried along as they came, and protobuf-c reads some (a tag of 0 in four bytes) that it does not
 * read as it writes them: so the second decoding may refuse. What it takes must be the same. */
static void encode_and_show(struct arena *arena, const ProtobufCMessage *message)
{
    AUTO_INPLACE(buffer) first = { 0 };
    AUTO_INPLACE(buffer) second = { 0 };
    AUTO_INPLACE(buffer) json = { 0 };
    struct transcode_violations violations = { 0 };
    struct err err = { 0 };
    ProtobufCMessage *again;
    must(wire_encode(&first, message, &err));
    if (wire_decode(&again, arena, message->descriptor, first.data ? first.data : "", first.size, &err)) {
        must(wire_encode(&second, again, &err));
        must(first.size == second.size && (first.size == 0 || memcmp(first.data, second.data, first.size) == 0));
    }
    must(transcode_to_json(&json, message, &err));
    if (!transcode_check(message, true, &violations, arena, &err))
        must(err.kind == ERR_LIMIT || violations.count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = { 0 };
    ProtobufCMessage *message;
    if (size == 0)
        return 0;
    arena_init(&arena, 8 * 1024 * 1024);
    if (wire_decode(&message, &arena, types[data[0] % COUNT_OF(types)], data + 1, size - 1, &err))
        encode_and_show(&arena, message);
    else
        must(err.kind == ERR_INPUT || err.kind == ERR_LIMIT);
    arena_done(&arena);
    return 0;
}
