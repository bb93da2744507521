/* What there is in a municipality, counted. */
#include "entity_api.h"

static bool count_things(struct work *work, Nwims__V1__MunicipalitySummary *summary, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows,
            "SELECT (SELECT count(*) FROM zone WHERE tenant_id = $1 AND municipality_id = $2::uuid), (SELECT count(*) "
            "FROM site WHERE tenant_id = $1 AND located_in = $2::uuid)",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(summary->municipality_id)), err))
        return false;
    summary->has_zones = summary->has_sites = summary->has_devices = summary->has_sensors = true;
    summary->zones = store_result_int(rows, 0, 0);
    summary->sites = store_result_int(rows, 0, 1);
    return true;
}

static bool count_devices(struct work *work, Nwims__V1__MunicipalitySummary *summary, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows,
            "SELECT state, count(*) FROM device WHERE tenant_id = $1 AND located_in = $2::uuid GROUP BY state ORDER BY "
            "state",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(summary->municipality_id)), err))
        return false;
    size_t count = store_result_rows(rows);
    summary->devices_by_state = arena_alloc_array(work->call->arena, count + 1, sizeof *summary->devices_by_state);
    for (size_t i = 0; summary->devices_by_state && i < count; i++) {
        struct row row = { .rows = rows, .number = i, .arena = work->call->arena };
        ProtobufCMessage *made = wire_new(row.arena, &nwims__v1__state_count__descriptor);
        Nwims__V1__StateCount *item = (Nwims__V1__StateCount *)made;
        if (!item || !(item->state = row_text(&row, 0)))
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        item->has_count = row_int(&row, 1, &item->count);
        summary->devices += item->count;
        summary->devices_by_state[summary->n_devices_by_state++] = item;
    }
    return summary->devices_by_state || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool count_sensors(struct work *work, Nwims__V1__MunicipalitySummary *summary, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows,
            "SELECT kind, state, count(*) FROM sensor WHERE tenant_id = $1 AND located_in = $2::uuid GROUP BY kind, "
            "state ORDER BY kind, state",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(summary->municipality_id)), err))
        return false;
    size_t count = store_result_rows(rows);
    summary->sensors_by_kind = arena_alloc_array(work->call->arena, count + 1, sizeof *summary->sensors_by_kind);
    for (size_t i = 0; summary->sensors_by_kind && i < count; i++) {
        struct row row = { .rows = rows, .number = i, .arena = work->call->arena };
        ProtobufCMessage *made = wire_new(row.arena, &nwims__v1__kind_count__descriptor);
        Nwims__V1__KindCount *item = (Nwims__V1__KindCount *)made;
        if (!item || !(item->kind = row_text(&row, 0)) || !(item->state = row_text(&row, 1)))
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        item->has_count = row_int(&row, 2, &item->count);
        summary->sensors += item->count;
        summary->sensors_by_kind[summary->n_sensors_by_kind++] = item;
    }
    return summary->sensors_by_kind || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool municipality_summarize(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    Nwims__V1__MunicipalitySummary *summary = reply;
    Nwims__V1__Municipality municipality = NWIMS__V1__MUNICIPALITY__INIT;
    AUTO_INPLACE(work) work = { 0 };
    if (!work_begin(&work, context, call, "municipalities", "read", err) ||
        !entity_store_get(&work, &municipality_entity, request->id, &municipality, err))
        return false;
    summary->municipality_id = municipality.id;
    summary->code = municipality.code;
    summary->name = municipality.name;
    return count_things(&work, summary, err) && count_devices(&work, summary, err) &&
           count_sensors(&work, summary, err);
}
