/* POST /batch/sensors/update: what changes, of which sensors. */
#include "bulk.h"
#include "entity_api.h"
#include "field.h"
#include "sensor_record.h"
#include "transcode/field_value.h"
#include <stdio.h>
#include <string.h>

/* ---- the request as a source of items ---- */
struct changes {
    const Nwims__V1__UpdateSensorsRequest *request; /* filter is ids by now */
    size_t at;
};

static size_t count_of(const Nwims__V1__UpdateSensorsRequest *request)
{
    return request->n_items > 0 ? request->n_items : request->n_ids;
}

static bool next(
    void *context, struct work *work, struct bulk_item *items, size_t most, size_t *out_count, struct err *err)
{
    struct changes *changes = context;
    const Nwims__V1__UpdateSensorsRequest *request = changes->request;
    size_t count = 0, total = count_of(request);
    (void)work;
    (void)err;
    for (; count < most && changes->at < total; count++, changes->at++) {
        Nwims__V1__SensorRecord *record = request->n_items > 0 ? request->items[changes->at] : request->set;
        items[count] = (struct bulk_item){ .index = (int64_t)changes->at,
            .name = request->n_items > 0 ? record->id : request->ids[changes->at],
            .message = &record->base };
    }
    *out_count = count;
    return true;
}

static bool skip(void *context, int64_t count, struct err *err)
{
    struct changes *changes = context;
    (void)err;
    changes->at = (size_t)count;
    return true;
}

/* ---- what is asked ---- */
static bool says_something(const Nwims__V1__SensorRecord *record)
{
    for (unsigned i = 0; i < record->base.descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &record->base.descriptor->fields[i];
        if (strcmp(field->name, "id") != 0 && field_count(&record->base, field) > 0)
            return true;
    }
    return false;
}

static void check_items(struct rpc_call *call, const Nwims__V1__UpdateSensorsRequest *request, struct err *err)
{
    for (size_t i = 0; i < request->n_items && call->failure->n_violations < BULK_AT_ONCE; i++) {
        char field[40];
        snprintf(field, sizeof field, "items[%zu].id", i);
        if (!request->items[i]->id || !*request->items[i]->id)
            rpc_violation(call, err, field, "is required: which sensor");
    }
}

static bool check(struct rpc_call *call, const Nwims__V1__UpdateSensorsRequest *request, struct err *err)
{
    int ways = (request->n_items > 0) + (request->n_ids > 0) + (request->filter != NULL);
    if (ways != 1)
        rpc_violation(call, err, "items", "say which sensors, one way of: items, ids, filter");
    if (request->n_items == 0 && !request->set)
        rpc_violation(call, err, "set", "is required beside ids or filter: what changes");
    else if (request->n_items == 0 && !says_something(request->set))
        rpc_violation(call, err, "set", "has nothing to change");
    if (request->n_items > 0 && request->set)
        rpc_violation(call, err, "set", "goes with ids or filter; items have a change each");
    if (request->set && request->set->code)
        rpc_violation(call, err, "set.code", "cannot be the same for many");
    if (request->set && request->set->id)
        rpc_violation(call, err, "set.id", "goes into ids");
    if (count_of(request) > BULK_MOST_ITEMS)
        rpc_violation(call, err, "items", "are more than %d: send them in several calls", BULK_MOST_ITEMS);
    check_items(call, request, err);
    return err->kind == ERR_NONE;
}

/* ---- a filter becomes the ids of now ---- */
static bool select_all(
    struct work *work, const Nwims__V1__SensorSelection *selection, struct store_result **out_rows, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    sql_put(&sql, "SELECT id FROM sensor WHERE tenant_id = $%zu", sql_param(&sql, PARAM_INT(work->tenant_id)));
    entity_put_filters(&sql, &sensor_entity, &selection->base);
    entity_put_scope(&sql, &sensor_entity, work);
    sql_put(&sql, " ORDER BY id LIMIT $%zu::int8", sql_param(&sql, PARAM_INT(BULK_MOST_ITEMS + 1)));
    return sql_query(&sql, work->session, out_rows, err);
}

static bool check_selection(struct rpc_call *call, const Nwims__V1__SensorSelection *selection, struct err *err)
{
    static const char *const ids[] = { "region_id", "municipality_id", "zone_id", "site_id", "device_id" };
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const struct store_param id = row_param(&selection->base, ids[i]);
        field_reference(call, err, ids[i], id.type == STORE_TEXT ? id.data : NULL, false);
    }
    return err->kind == ERR_NONE;
}

static bool resolve_filter(struct work *work, Nwims__V1__UpdateSensorsRequest *request, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!request->filter)
        return true;
    if (!check_selection(work->call, request->filter, err) || !select_all(work, request->filter, &rows, err))
        return false;
    size_t count = store_result_rows(rows);
    if (count > BULK_MOST_ITEMS)
        return rpc_violation(work->call, err, "filter", "selects more than %d sensors: narrow it, zone by zone perhaps",
            BULK_MOST_ITEMS);
    request->ids = arena_alloc_array(work->call->arena, count + 1, sizeof *request->ids);
    for (size_t i = 0; request->ids && i < count; i++)
        if (!(request->ids[i] = store_result_copy(rows, i, 0, work->call->arena)))
            return err_set(err, ERR_LIMIT, "no memory left for this call");
    request->n_ids = count;
    request->filter = NULL;
    return request->ids || err_set(err, ERR_LIMIT, "no memory left for this call");
}

/* ---- the method, and its job ---- */
static bool later(struct work *work, const struct bulk_wish *wish, const Nwims__V1__UpdateSensorsRequest *request,
    Nwims__V1__Job *reply, struct err *err)
{
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = WIRE_LARGEST_MESSAGE };
    char id[UUID_TEXT_SIZE];
    return wire_encode(&bytes, &request->base, err) && bulk_do_later(work, wish, bytes.data, bytes.size, id, err) &&
           bulk_answer_later(work, id, reply, err);
}

bool sensors_update(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    Nwims__V1__UpdateSensorsRequest request = *(const Nwims__V1__UpdateSensorsRequest *)input;
    AUTO_INPLACE(work) work = { 0 };
    struct bulk_wish wish = { .kind = &bulk_sensors_update };
    struct changes changes = { .request = &request };
    const struct bulk_source source = { .context = &changes, .next = next, .skip = skip, .heading = "id" };
    if (!bulk_read_options(call, request.options, &wish, err) || !check(call, &request, err) ||
        !work_begin(&work, context, call, "sensors", "bulk", err) || !resolve_filter(&work, &request, err))
        return false;
    wish.total = (int64_t)count_of(&request);
    bool is_later = wish.total > BULK_AT_ONCE || (request.options && request.options->respond_async);
    return is_later ? later(&work, &wish, &request, reply, err) : bulk_do_now(&work, &wish, &source, reply, err);
}

bool sensors_update_job(void *context, struct job *job, struct err *err)
{
    ProtobufCMessage *decoded;
    if (!wire_decode(&decoded, job->arena, &nwims__v1__update_sensors_request__descriptor,
            job->request ? job->request : (const void *)"", job->request_size, err))
        return false;
    struct changes changes = { .request = (const Nwims__V1__UpdateSensorsRequest *)decoded };
    const struct bulk_source source = { .context = &changes, .next = next, .skip = skip, .heading = "id" };
    const struct bulk_wish wish = { .kind = &bulk_sensors_update, .total = (int64_t)count_of(changes.request) };
    return bulk_do_job(context, job, &wish, &source, err);
}
