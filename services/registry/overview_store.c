#include "overview_store.h"

/* $2: the municipalities that lie in the caller's scope; null: the whole tenant. */
#define IN_SCOPE "($2::text[]::uuid[] IS NULL OR located_in = ANY ($2::text[]::uuid[]))"

static struct store_param places_of(const struct work *work)
{
    return work->scope.is_whole ? PARAM_NULL : PARAM_TEXTS(work->places, work->place_count);
}

bool overview_store_count(struct work *work, bool without_households, Nwims__V1__NetworkCounts *reply, struct err *err)
{
    static const char sql[] =
        "SELECT (SELECT count(*) FROM municipality WHERE tenant_id = $1 AND ($2::text[]::uuid[] IS NULL OR id = ANY "
        "($2::text[]::uuid[]))), "
        "(SELECT count(*) FROM zone WHERE tenant_id = $1 AND ($2::text[]::uuid[] IS NULL OR municipality_id = ANY "
        "($2::text[]::uuid[]))), "
        "(SELECT count(*) FROM site WHERE tenant_id = $1 AND " IN_SCOPE "), d.count, d.active, s.count, s.active "
        "FROM (SELECT count(*), count(*) FILTER (WHERE state = 'active') AS active FROM device "
        "WHERE tenant_id = $1 AND " IN_SCOPE " AND NOT ($3::boolean AND EXISTS (SELECT FROM sensor h "
        "WHERE h.tenant_id = $1 AND h.device_id = device.id AND h.is_household))) d, "
        "(SELECT count(*), count(*) FILTER (WHERE state = 'active') AS active FROM sensor "
        "WHERE tenant_id = $1 AND " IN_SCOPE " AND NOT ($3::boolean AND is_household)) s";
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows, sql,
            PARAMS(PARAM_INT(work->tenant_id), places_of(work), PARAM_BOOL(without_households)), err))
        return false;
    reply->has_municipalities = reply->has_zones = reply->has_sites = reply->has_devices = reply->has_devices_active =
        reply->has_sensors = reply->has_sensors_active = true;
    reply->municipalities = store_result_int(rows, 0, 0);
    reply->zones = store_result_int(rows, 0, 1);
    reply->sites = store_result_int(rows, 0, 2);
    reply->devices = store_result_int(rows, 0, 3);
    reply->devices_active = store_result_int(rows, 0, 4);
    reply->sensors = store_result_int(rows, 0, 5);
    reply->sensors_active = store_result_int(rows, 0, 6);
    return true;
}

static bool fill(const struct store_result *rows, size_t number, struct arena *arena, Nwims__V1__MapItem *item)
{
    nwims__v1__map_item__init(item);
    item->id = store_result_copy(rows, number, 0, arena);
    item->code = store_result_copy(rows, number, 1, arena);
    item->name = store_result_copy(rows, number, 2, arena);
    item->has_latitude = !store_result_is_null(rows, number, 3);
    item->latitude = store_result_double(rows, number, 3);
    item->has_longitude = !store_result_is_null(rows, number, 4);
    item->longitude = store_result_double(rows, number, 4);
    item->has_sensors = item->has_sensors_active = item->has_devices = true;
    item->sensors = store_result_int(rows, number, 5);
    item->sensors_active = store_result_int(rows, number, 6);
    item->devices = store_result_int(rows, number, 7);
    return item->id && item->code && item->name;
}

bool overview_store_map(struct work *work, Nwims__V1__MapReply *reply, struct err *err)
{
    static const char sql[] =
        "SELECT m.id, m.code, m.name, m.latitude, m.longitude, coalesce(s.count, 0), coalesce(s.active, 0), "
        "coalesce(d.count, 0) FROM municipality m "
        "LEFT JOIN (SELECT located_in, count(*), count(*) FILTER (WHERE state = 'active') AS active FROM sensor "
        "WHERE tenant_id = $1 AND " IN_SCOPE " GROUP BY 1) s ON s.located_in = m.id "
        "LEFT JOIN (SELECT located_in, count(*) FROM device WHERE tenant_id = $1 AND " IN_SCOPE " GROUP BY 1) d "
        "ON d.located_in = m.id WHERE m.tenant_id = $1 AND ($2::text[]::uuid[] IS NULL OR m.id = ANY "
        "($2::text[]::uuid[])) "
        "ORDER BY m.code LIMIT 10000";
    struct arena *arena = work->call->arena;
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows, sql, PARAMS(PARAM_INT(work->tenant_id), places_of(work)), err))
        return false;
    size_t count = store_result_rows(rows);
    reply->items = arena_alloc_array(arena, count, sizeof *reply->items);
    Nwims__V1__MapItem *items = arena_alloc_array(arena, count, sizeof *items);
    bool ok = reply->items && items;
    for (size_t i = 0; ok && i < count; i++) {
        ok = fill(rows, i, arena, &items[i]);
        reply->items[reply->n_items++] = &items[i];
    }
    return ok || err_set(err, ERR_LIMIT, "no memory left for the answer");
}
