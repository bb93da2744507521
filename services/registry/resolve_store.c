#include "resolve_store.h"
#include "auth/auth.h"
#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "n.place - 1, s.sensor_no, s.id, s.code, s.unit, s.device_id, s.range_min, s.range_max, s.state, "                 \
    "s.located_in, m.region_id"
#define PLACE " LEFT JOIN municipality m ON m.tenant_id = $1 AND m.id = s.located_in"

/* Two joins, each on an index, where one with OR would read the whole tenant. A name that is one sensor's id and
 * another's code is the first. */
static const char sensors_sql[] =
    "SELECT " COLUMNS
    " FROM unnest($2::text[]) WITH ORDINALITY n (code, place) JOIN sensor s ON s.tenant_id = $1 AND s.code = "
    "n.code" PLACE " UNION ALL SELECT " COLUMNS
    " FROM unnest($3::text[]) WITH ORDINALITY n (id, place) JOIN sensor s ON s.tenant_id = $1 "
    "AND s.id = n.id::uuid" PLACE " ORDER BY 1";

static void fill(Nwims__V1__ResolvedSensor *sensor, struct row *row)
{
    int64_t place, sensor_no;
    sensor->has_index = row_int(row, 0, &place);
    sensor->index = (uint32_t)place;
    sensor->has_sensor_no = row_int(row, 1, &sensor_no);
    sensor->sensor_no = (int32_t)sensor_no;
    sensor->id = row_text(row, 2);
    sensor->code = row_text(row, 3);
    sensor->unit = row_text(row, 4);
    sensor->device_id = row_text(row, 5);
    sensor->has_range_min = row_double(row, 6, &sensor->range_min);
    sensor->has_range_max = row_double(row, 7, &sensor->range_max);
    sensor->state = row_text(row, 8);
    sensor->municipality_id = row_text(row, 9);
    sensor->region_id = row_text(row, 10);
}

static bool fill_all(
    const struct store_result *rows, struct arena *arena, Nwims__V1__ResolveSensorsReply *reply, struct err *err)
{
    size_t count = store_result_rows(rows);
    reply->sensors = arena_alloc_array(arena, count ? count : 1, sizeof *reply->sensors);
    for (size_t i = 0; reply->sensors && i < count; i++) {
        struct row row = { .rows = rows, .number = i, .arena = arena };
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__resolved_sensor__descriptor);
        if (made)
            fill((Nwims__V1__ResolvedSensor *)made, &row);
        if (!made || row.is_cut)
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        reply->sensors[i] = (Nwims__V1__ResolvedSensor *)made;
        reply->n_sensors = i + 1;
    }
    return reply->sensors || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool resolve_store_sensors(struct store_session *session, int32_t tenant_id,
    const Nwims__V1__ResolveSensorsRequest *request, struct arena *arena, Nwims__V1__ResolveSensorsReply *out_reply,
    struct err *err)
{
    AUTO(store_result) rows = NULL;
    size_t count = request->n_names;
    const char **ids = arena_alloc_array(arena, count ? count : 1, sizeof *ids);
    if (!ids)
        return err_set(err, ERR_LIMIT, "no memory left for %zu names", count);
    for (size_t i = 0; i < count; i++) {
        struct uuid uuid;
        ids[i] = uuid_parse(request->names[i], strlen(request->names[i]), &uuid) ? request->names[i] : NULL;
    }
    return store_query(session, &rows, sensors_sql,
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXTS(request->names, count), PARAM_TEXTS(ids, count)), err) &&
           fill_all(rows, arena, out_reply, err);
}

bool resolve_store_unknown(struct store_session *session, int32_t tenant_id, const char *table, char *const *ids,
    size_t count, struct arena *arena, char ***out_unknown, size_t *out_count, struct err *err)
{
    char sql[160];
    AUTO(store_result) rows = NULL;
    snprintf(sql, sizeof sql,
        "SELECT n.id FROM unnest($2::text[]) n (id) WHERE NOT EXISTS (SELECT FROM %s p WHERE p.tenant_id = $1 AND p.id "
        "= n.id::uuid)",
        table);
    if (!store_query(session, &rows, sql, PARAMS(PARAM_INT(tenant_id), PARAM_TEXTS(ids, count)), err))
        return false;
    *out_unknown = arena_alloc_array(arena, store_result_rows(rows), sizeof **out_unknown);
    for (*out_count = 0; *out_unknown && *out_count < store_result_rows(rows); (*out_count)++)
        if (!((*out_unknown)[*out_count] = store_result_copy(rows, *out_count, 0, arena)))
            break;
    return (*out_unknown && *out_count == store_result_rows(rows)) ||
           err_set(err, ERR_LIMIT, "no memory left for the answer");
}

/* The key of one row, unwrapped into the arena; none if the kind has none. */
static bool unwrap(const struct row *row, const struct registry *registry, ProtobufCBinaryData *out_key,
    protobuf_c_boolean *out_has, struct err *err)
{
    char context[64];
    unsigned char *wrapped;
    size_t size;
    AUTO_INPLACE(buffer) key = { .ceiling_bytes = 1024 };
    if (store_result_is_null(row->rows, row->number, 6))
        return true;
    snprintf(context, sizeof context, "credential:%s", store_result_text(row->rows, row->number, 5));
    if (!registry->master_key)
        return err_set(err, ERR_CONFIG, "MASTER_KEY is not set, and there are wrapped keys");
    if (!store_result_bytes(row->rows, row->number, 6, row->arena, &wrapped, &size))
        return err_set(err, ERR_LIMIT, "no memory left for a key");
    if (!secret_unwrap(&key, registry->master_key, context, wrapped, size, err))
        return err_wrap(err, "MASTER_KEY does not fit the keys in the database");
    out_key->data = arena_alloc(row->arena, key.size);
    if (!out_key->data)
        return err_set(err, ERR_LIMIT, "no memory left for a key");
    memcpy(out_key->data, key.data, key.size);
    out_key->len = key.size;
    *out_has = true;
    explicit_bzero(key.data, key.size);
    return true;
}

bool resolve_store_credential(struct store_session *session, const struct registry *registry, const char *kind,
    const unsigned char verifier[32], struct arena *arena, Nwims__V1__ResolveCredentialReply *out_reply,
    struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT tenant_id, device_id, device_code, device_state, expires_at, credential_id, wrapped, join_eui, "
            "is_suspended FROM find_credentials($1::text, $2::bytea)",
            PARAMS(PARAM_TEXT(kind), PARAM_BYTES(verifier, SHA256_SIZE)), err))
        return false;
    if (store_result_rows(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such credential");
    struct row row = { .rows = rows, .arena = arena }, older = { .rows = rows, .number = 1, .arena = arena };
    int64_t tenant_id;
    out_reply->has_tenant_id = row_int(&row, 0, &tenant_id);
    out_reply->tenant_id = (int32_t)tenant_id;
    out_reply->device_id = row_text(&row, 1);
    out_reply->device_code = row_text(&row, 2);
    out_reply->device_state = row_text(&row, 3);
    out_reply->has_expires_at = row_time(&row, 4, &out_reply->expires_at);
    out_reply->credential_id = row_text(&row, 5);
    out_reply->join_eui = row_text(&row, 7);
    out_reply->has_is_tenant_suspended = out_reply->is_tenant_suspended = store_result_bool(rows, 0, 8);
    if (row.is_cut)
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    return unwrap(&row, registry, &out_reply->secret, &out_reply->has_secret, err) &&
           (store_result_rows(rows) < 2 ||
               unwrap(&older, registry, &out_reply->older_secret, &out_reply->has_older_secret, err));
}

bool resolve_store_profile(struct store_session *session, int32_t tenant_id, const char *device_id, struct arena *arena,
    Nwims__V1__ResolvePayloadProfileReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, "SELECT payload_profile FROM device WHERE tenant_id = $1 AND id = $2::uuid",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(device_id)), err))
        return false;
    struct row row = { .rows = rows, .arena = arena };
    out_reply->payload_profile = store_result_rows(rows) > 0 ? row_text(&row, 0) : NULL;
    return !row.is_cut || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool resolve_store_polled(struct store_session *session, const char *after, int32_t limit, struct arena *arena,
    Nwims__V1__ListPolledDevicesReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT tenant_id, id, code, configuration FROM polled_devices($1::uuid, $2::integer)",
            PARAMS(PARAM_TEXT(after), PARAM_INT(limit)), err))
        return false;
    size_t count = store_result_rows(rows);
    out_reply->items = arena_alloc_array(arena, count ? count : 1, sizeof *out_reply->items);
    for (size_t i = 0; out_reply->items && i < count; i++) {
        struct row row = { .rows = rows, .number = i, .arena = arena };
        int64_t tenant_id;
        Nwims__V1__PolledDevice *device =
            (Nwims__V1__PolledDevice *)wire_new(arena, &nwims__v1__polled_device__descriptor);
        if (!device)
            break;
        device->has_tenant_id = row_int(&row, 0, &tenant_id);
        device->tenant_id = (int32_t)tenant_id;
        device->device_id = row_text(&row, 1);
        device->device_code = row_text(&row, 2);
        device->configuration = row_text(&row, 3);
        if (row.is_cut)
            break;
        out_reply->items[out_reply->n_items++] = device;
    }
    return (out_reply->items && out_reply->n_items == count) ||
           err_set(err, ERR_LIMIT, "no memory left for the answer");
}
