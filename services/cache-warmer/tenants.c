#include "tenants.h"
#include "base/arena.h"
#include "nwims/v1/identity.pb-c.h"
#include "rpc/rpc.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE = 500, ARENA_BYTES = 16 * 1024 * 1024 };

static bool add_page(struct bus *bus, int64_t call_ms, const char *cursor, struct arena *arena, int32_t *ids,
    size_t *count, char **out_next, struct err *err)
{
    struct rpc_caller caller = {
        .tenant_id = 1, .actor = "service:cache-warmer", .permissions = "tenants:read tenants:any"
    };
    Nwims__V1__ListTenantsRequest request = NWIMS__V1__LIST_TENANTS_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    request.has_limit = true;
    request.limit = PAGE;
    request.cursor = (char *)(uintptr_t)cursor;
    trace_begin(&caller.trace, NULL);
    if (!rpc_call(bus, &nwims__v1__identity__descriptor, "ListTenants", &caller, &request.base, call_ms, arena, &reply,
            NULL, err))
        return false;
    const Nwims__V1__ListTenantsReply *list = (const Nwims__V1__ListTenantsReply *)reply;
    for (size_t i = 0; i < list->n_items && *count < WARM_MOST_TENANTS; i++)
        if (list->items[i]->state && strcmp(list->items[i]->state, "active") == 0)
            ids[(*count)++] = list->items[i]->id;
    *out_next = *count < WARM_MOST_TENANTS ? list->next_cursor : NULL;
    return true;
}

bool tenants_list(struct bus *bus, int64_t call_ms, int32_t **out_ids, size_t *out_count, struct err *err)
{
    AUTO_INPLACE(arena) arena;
    int32_t *ids = malloc(WARM_MOST_TENANTS * sizeof *ids);
    size_t count = 0;
    char *cursor = NULL;
    arena_init(&arena, ARENA_BYTES);
    if (!ids)
        return err_set(err, ERR_LIMIT, "no memory for the tenants");
    do {
        if (!add_page(bus, call_ms, cursor, &arena, ids, &count, &cursor, err)) {
            free(ids);
            return false;
        }
    } while (cursor);
    *out_ids = ids;
    *out_count = count;
    return true;
}
