#include "tenant_store.h"
#include "wire/wire.h"

#define COLUMNS "id, name, code, time_zone, state, created_at"

static bool fill(
    Nwims__V1__Tenant *tenant, const struct store_result *rows, size_t row, struct arena *arena, struct err *err)
{
    tenant->has_id = tenant->has_created_at = true;
    tenant->id = (int32_t)store_result_int(rows, row, 0);
    tenant->name = store_result_copy(rows, row, 1, arena);
    tenant->code = store_result_copy(rows, row, 2, arena);
    tenant->time_zone = store_result_copy(rows, row, 3, arena);
    tenant->state = store_result_copy(rows, row, 4, arena);
    tenant->created_at = store_result_time(rows, row, 5);
    return (tenant->name && tenant->code && tenant->time_zone && tenant->state) ||
           err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool fill_only(Nwims__V1__Tenant *tenant, const struct store_result *rows, struct arena *arena, struct err *err)
{
    return store_result_rows(rows) == 1 ? fill(tenant, rows, 0, arena, err)
                                        : err_set(err, ERR_NOT_FOUND, "there is no such tenant");
}

static bool fill_page(Nwims__V1__ListTenantsReply *reply, const struct store_result *rows, size_t count,
    struct arena *arena, struct err *err)
{
    reply->items = arena_alloc_array(arena, count, sizeof(void *));
    if (count && !reply->items)
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    for (size_t row = 0; row < count; row++) {
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__tenant__descriptor);
        Nwims__V1__Tenant *tenant = (Nwims__V1__Tenant *)made;
        if (!tenant || !fill(tenant, rows, row, arena, err))
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        reply->items[row] = tenant;
        reply->n_items = row + 1;
    }
    return true;
}

bool tenant_store_list(struct store_session *session, int64_t after_id, int64_t limit, struct arena *arena,
    Nwims__V1__ListTenantsReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    /* One more than asked for tells whether there is a next page. */
    if (!store_query(session, &rows, "SELECT " COLUMNS " FROM tenant WHERE id > $1::int8 ORDER BY id LIMIT $2::int8",
            PARAMS(PARAM_INT(after_id), PARAM_INT(limit + 1)), err))
        return false;
    size_t count = store_result_rows(rows);
    bool has_more = count > (size_t)limit;
    count -= has_more;
    if (!fill_page(out_reply, rows, count, arena, err))
        return false;
    if (has_more)
        out_reply->next_cursor = store_result_copy(rows, count - 1, 0, arena);
    return !has_more || out_reply->next_cursor || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool tenant_store_get(
    struct store_session *session, int32_t id, struct arena *arena, Nwims__V1__Tenant *out_tenant, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows, "SELECT " COLUMNS " FROM tenant WHERE id = $1", PARAMS(PARAM_INT(id)), err) &&
           fill_only(out_tenant, rows, arena, err);
}

bool tenant_store_create(struct store_session *session, const Nwims__V1__Tenant *tenant, struct arena *arena,
    Nwims__V1__Tenant *out_tenant, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "INSERT INTO tenant (name, code, time_zone) VALUES ($1, $2, coalesce($3, 'UTC')) RETURNING " COLUMNS,
            PARAMS(PARAM_TEXT(tenant->name), PARAM_TEXT(tenant->code), PARAM_TEXT(tenant->time_zone)), err))
        return err->kind == ERR_CONFLICT
                   ? err_set(err, ERR_CONFLICT, "there is a tenant with the code %s already", tenant->code)
                   : false;
    return fill_only(out_tenant, rows, arena, err);
}

bool tenant_store_update(struct store_session *session, const Nwims__V1__Tenant *tenant, struct arena *arena,
    Nwims__V1__Tenant *out_tenant, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows,
               "UPDATE tenant SET name = coalesce($2, name), time_zone = coalesce($3, time_zone) WHERE id = $1 "
               "RETURNING " COLUMNS,
               PARAMS(PARAM_INT(tenant->id), PARAM_TEXT(tenant->name), PARAM_TEXT(tenant->time_zone)), err) &&
           fill_only(out_tenant, rows, arena, err);
}

bool tenant_store_knows_zone(struct store_session *session, const char *time_zone, bool *out_known, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, "SELECT EXISTS (SELECT 1 FROM pg_timezone_names WHERE name = $1)",
            PARAMS(PARAM_TEXT(time_zone)), err))
        return false;
    *out_known = store_result_bool(rows, 0, 0);
    return true;
}
