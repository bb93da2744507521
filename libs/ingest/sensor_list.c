#include "ingest/sensor_list.h"
#include <stdint.h>

enum { PAGE = 1000, ASK_MS = 5000, ARENA_BYTES = 16 * 1024 * 1024 };

struct listing {
    struct bus *bus;
    const struct rpc_caller *caller;
    const struct sensor_filter *filter;
    size_t count, most;
    bool (*visit)(void *context, const Nwims__V1__Sensor *sensor, struct err *err);
    void *context;
};

/* The message borrows its texts and lives only until it is encoded. */
static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static bool take_page(struct listing *listing, char **cursor, struct arena *arena, struct err *err)
{
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    request.has_limit = true;
    request.limit = PAGE;
    request.cursor = *cursor;
    request.municipality_id = borrow(listing->filter->municipality_id);
    request.zone_id = borrow(listing->filter->zone_id);
    request.kind = borrow(listing->filter->kind);
    request.has_is_household = listing->filter->without_households; /* only those of which it is false */
    if (!rpc_call(listing->bus, &nwims__v1__registry__descriptor, "ListSensors", listing->caller, &request.base, ASK_MS,
            arena, &reply, NULL, err))
        return false;
    const Nwims__V1__ListSensorsReply *page = (const Nwims__V1__ListSensorsReply *)reply;
    for (size_t i = 0; i < page->n_items; i++) {
        if (listing->count++ == listing->most)
            return err_set(
                err, ERR_INPUT, "more than %zu sensors: name a municipality, a zone or a kind", listing->most);
        if (!listing->visit(listing->context, page->items[i], err))
            return false;
    }
    *cursor = page->next_cursor && *page->next_cursor ? page->next_cursor : NULL;
    return true;
}

bool sensor_list_each(struct bus *bus, const struct rpc_caller *caller, const struct sensor_filter *filter, size_t most,
    bool (*visit)(void *context, const Nwims__V1__Sensor *sensor, struct err *err), void *context, struct err *err)
{
    struct listing listing = {
        .bus = bus, .caller = caller, .filter = filter, .most = most, .visit = visit, .context = context
    };
    struct arena pages[2]; /* the cursor of one page is needed for the next */
    char *cursor = NULL;
    bool ok = true, is_more = true;
    arena_init(&pages[0], ARENA_BYTES);
    arena_init(&pages[1], ARENA_BYTES);
    for (int turn = 0; ok && is_more; turn ^= 1) {
        arena_reset(&pages[turn]);
        ok = take_page(&listing, &cursor, &pages[turn], err);
        is_more = cursor != NULL;
    }
    arena_done(&pages[0]);
    arena_done(&pages[1]);
    return ok;
}

bool sensor_list_one(struct bus *bus, const struct rpc_caller *caller, const char *id_or_code,
    bool (*visit)(void *context, const Nwims__V1__Sensor *sensor, struct err *err), void *context, struct err *err)
{
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    ProtobufCMessage *reply = NULL;
    struct arena arena;
    request.id = borrow(id_or_code);
    arena_init(&arena, ARENA_BYTES);
    bool ok = rpc_call(bus, &nwims__v1__registry__descriptor, "GetSensor", caller, &request.base, ASK_MS, &arena,
                  &reply, NULL, err) &&
              visit(context, (const Nwims__V1__Sensor *)reply, err);
    arena_done(&arena);
    return ok;
}
