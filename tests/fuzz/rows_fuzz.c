/* Any bytes as a file of devices, sensors or assets: the first byte says which, a record separator ends a part.
 * Refused with a reason, or as many items as were counted, each a good message or bad with a reason. What a row names
 * by its code is not looked up: there is no database here. */
#include "nwims/v1/common.pb-c.h"
#include "rows.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 64 * 1024 * 1024, AT_ONCE = 16, PART_END = 0x1e };

struct file {
    const char *bytes;
    size_t size;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool read_part(void *context, int part, struct arena *arena, char **out_text, size_t *out_size, struct err *err)
{
    const struct file *file = context;
    const char *at = file->bytes, *end = file->bytes + file->size, *divider;
    for (; part > 0 && (divider = memchr(at, PART_END, (size_t)(end - at))); part--)
        at = divider + 1;
    if (part > 0)
        return err_set(err, ERR_NOT_FOUND, "no more parts");
    divider = memchr(at, PART_END, (size_t)(end - at));
    *out_size = (size_t)((divider ? divider : end) - at);
    *out_text = arena_alloc(arena, *out_size + 1);
    must(*out_text != NULL);
    memcpy(*out_text, at, *out_size);
    return true;
}

static bool refers_to_others(const struct rows *rows)
{
    for (size_t i = 0; i < rows->column_count; i++)
        if (rows->columns[i].refers)
            return true;
    return false;
}

static void check_item(const struct bulk_item *item, int64_t index)
{
    must(item->index == index && item->line > 0 && item->row && item->message);
    must(item->reason || *item->name);
    must(protobuf_c_message_check(item->message));
}

static void read_all(struct rows *rows, int64_t count, struct arena *arena)
{
    struct rpc_call call = { .arena = arena };
    struct work work = { .call = &call };
    struct bulk_item items[AT_ONCE];
    struct err err = { 0 };
    int64_t seen = 0;
    for (size_t some = 1; some > 0; seen += (int64_t)some) {
        arena_reset(arena);
        if (!rows_next(rows, &work, items, AT_ONCE, &some, &err)) {
            must(err.kind == ERR_LIMIT);
            return;
        }
        for (size_t i = 0; i < some; i++)
            check_item(&items[i], seen + (int64_t)i);
    }
    must(seen == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bulk_kind *const kinds[] = { &bulk_devices_import, &bulk_sensors_import, &bulk_assets_import };
    static struct arena arena;
    if (size == 0)
        return 0;
    const struct bulk_kind *kind = kinds[data[0] % COUNT_OF(kinds)];
    struct file file = { (const char *)data + 1, size - 1 };
    struct rows rows;
    struct err err = { 0 };
    int64_t count = 0;
    arena_init(&arena, ARENA_BYTES);
    bool ok = rows_open(&rows, kind, read_part, &file, &err) && rows_count(&rows, &count, &err);
    must(ok || err.kind == ERR_INPUT || err.kind == ERR_LIMIT);
    if (ok && !refers_to_others(&rows))
        read_all(&rows, count, &arena);
    rows_done(&rows);
    arena_done(&arena);
    return 0;
}
