#include "resolve_store.h"

static bool read_sensor(const struct store_result *result, size_t row, struct rpc_call *call, Nwims__V1__ResolvedSensor *sensor)
{
    nwims__v1__resolved_sensor__init(sensor);
    sensor->has_index = sensor->has_sensor_no = true;
    sensor->index = (uint32_t)(store_result_int(result, row, 0) - 1);
    sensor->sensor_no = (int32_t)store_result_int(result, row, 1);
    sensor->id = store_result_copy(result, row, 2, call->arena);
    sensor->code = store_result_copy(result, row, 3, call->arena);
    sensor->unit = store_result_copy(result, row, 4, call->arena);
    sensor->device_id = store_result_copy(result, row, 5, call->arena);
    sensor->has_range_min = !store_result_is_null(result, row, 6);
    sensor->range_min = store_result_double(result, row, 6);
    sensor->has_range_max = !store_result_is_null(result, row, 7);
    sensor->range_max = store_result_double(result, row, 7);
    sensor->state = store_result_copy(result, row, 8, call->arena);
    return sensor->id && sensor->code && sensor->unit && sensor->state;
}

bool resolve_store_sensors(struct store_session *session, struct rpc_call *call, const char *const *codes, const char *const *ids,
    size_t count, Nwims__V1__ResolveSensorsReply *reply, struct err *err)
{
    /* A code wins over an id of the same text. */
    static const char sql[] =
        "SELECT DISTINCT ON (n.place) n.place, s.sensor_no, s.id, s.code, s.unit, s.device_id, s.range_min, s.range_max, s.state "
        "FROM (SELECT n.code, n.id, n.place, s.id AS found, 0 AS rank FROM unnest($2::text[], $3::uuid[]) WITH ORDINALITY AS n (code, id, place) "
        "      JOIN registry.sensor s ON s.tenant_id = $1 AND s.code = n.code "
        "      UNION ALL "
        "      SELECT n.code, n.id, n.place, n.id, 1 FROM unnest($2::text[], $3::uuid[]) WITH ORDINALITY AS n (code, id, place) WHERE n.id IS NOT NULL) n "
        "JOIN registry.sensor s ON s.tenant_id = $1 AND s.id = n.found ORDER BY n.place, n.rank";
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, sql, PARAMS(PARAM_INT(call->caller->tenant_id), PARAM_TEXTS(codes, count), PARAM_TEXTS(ids, count)), err))
        return false;
    size_t rows = store_result_rows(result);
    reply->sensors = arena_alloc_array(call->arena, rows, sizeof *reply->sensors);
    Nwims__V1__ResolvedSensor *sensors = arena_alloc_array(call->arena, rows, sizeof *sensors);
    if (!reply->sensors || !sensors)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    for (size_t row = 0; row < rows; row++) {
        if (!read_sensor(result, row, call, &sensors[row]))
            return err_set(err, ERR_LIMIT, "no memory left for this call");
        reply->sensors[reply->n_sensors++] = &sensors[row];
    }
    return true;
}

bool resolve_store_credential(struct store_session *session, struct rpc_call *call, const char *kind, const void *verifier, size_t size,
    Nwims__V1__ResolveCredentialReply *reply, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, "SELECT tenant_id, device_id, device_code, device_state, expires_at, credential_id FROM registry.find_credential($1, $2)",
            PARAMS(PARAM_TEXT(kind), PARAM_BYTES(verifier, size)), err))
        return false;
    if (store_result_rows(result) == 0)
        return err_set(err, ERR_NOT_FOUND, "nobody has this credential");
    reply->has_tenant_id = true;
    reply->tenant_id = (int32_t)store_result_int(result, 0, 0);
    reply->device_id = store_result_copy(result, 0, 1, call->arena);
    reply->device_code = store_result_copy(result, 0, 2, call->arena);
    reply->device_state = store_result_copy(result, 0, 3, call->arena);
    reply->has_expires_at = !store_result_is_null(result, 0, 4);
    reply->expires_at = store_result_time(result, 0, 4);
    reply->credential_id = store_result_copy(result, 0, 5, call->arena);
    return (reply->device_id && reply->device_code && reply->device_state && reply->credential_id) ||
           err_set(err, ERR_LIMIT, "no memory left for this call");
}
