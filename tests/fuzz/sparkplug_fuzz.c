/* Any bytes as a birth of Sparkplug B, and as data read with the names that the birth told; the first byte says where
 * the one ends and the other begins. */
#include "sparkplug.h"
#include "tests/fuzz/fuzz.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 32 * 1024 * 1024 };

static void check(const struct raw_reading *reading)
{
    if (!reading->sensor || strlen(reading->sensor) != reading->sensor_length)
        abort();
    if (!reading->fault && !isfinite(reading->value))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sparkplug_topic node = { .kind = SPARKPLUG_NBIRTH, .group = { "g", 1 }, .node = { "n", 1 } };
    struct sparkplug_names *names = NULL;
    struct sparkplug_message message;
    struct err err = { 0 };
    struct arena arena;
    if (size == 0)
        return 0;
    size_t cut = data[0] < size ? data[0] : size - 1;
    const struct mqtt_text birth = { (const char *)data + 1, cut };
    const struct mqtt_text rest = { (const char *)data + 1 + cut, size - 1 - cut };
    arena_init(&arena, ARENA_BYTES);
    if (sparkplug_learn(&names, NULL, &node, &birth, &arena, &err) != (err.kind == ERR_NONE))
        abort();
    err = (struct err){ 0 };
    node.kind = SPARKPLUG_NDATA;
    if (sparkplug_read(&message, names, &node, &rest, &arena, &err))
        for (size_t i = 0; i < message.readings.count; i++)
            check(&message.readings.items[i]);
    else if (err.kind != ERR_INPUT && err.kind != ERR_LIMIT)
        abort();
    sparkplug_names_drop(names);
    arena_done(&arena);
    return 0;
}
