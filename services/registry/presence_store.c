#include "presence_store.h"
#include "base/clock.h"
#include "command_store.h"
#include "gaps_store.h"
#include "row.h"
#include "service/service.h"
#include <string.h>

enum { MOST_SENSORS = 1000 };

/* One array a column: as many rows as devices in one statement. */
struct columns {
    const char **ids, **protocols, **peers, **connections, **ended, **reasons;
    int64_t *seen, *reading, *connected, *disconnected;
    size_t count;
    const char **ready; /* those that take commands now ... */
    int64_t *ready_at;  /* ... and since when */
    size_t ready_count;
};

static bool columns_make(struct columns *columns, const struct presence *presences, size_t count, struct arena *arena)
{
    const char ***texts[] = { &columns->ids, &columns->protocols, &columns->peers, &columns->connections,
        &columns->ended, &columns->reasons, &columns->ready };
    int64_t **times[] = { &columns->seen, &columns->reading, &columns->connected, &columns->disconnected,
        &columns->ready_at };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (!(*texts[i] = arena_alloc_array(arena, count, sizeof(char *))))
            return false;
    for (size_t i = 0; i < COUNT_OF(times); i++)
        if (!(*times[i] = arena_alloc_array(arena, count, sizeof(int64_t))))
            return false;
    for (size_t i = 0; i < count; i++) {
        columns->ids[i] = presences[i].device_id;
        columns->protocols[i] = presences[i].protocol;
        columns->peers[i] = presences[i].peer;
        columns->connections[i] = presences[i].connection_id;
        columns->ended[i] = presences[i].ended_id;
        columns->reasons[i] = presences[i].reason;
        columns->seen[i] = presences[i].last_seen_at;
        columns->reading[i] = presences[i].last_reading_at;
        columns->connected[i] = presences[i].connected_at;
        columns->disconnected[i] = presences[i].disconnected_at;
        if (presences[i].ready_at == 0)
            continue;
        columns->ready[columns->ready_count] = presences[i].device_id;
        columns->ready_at[columns->ready_count++] = presences[i].ready_at;
    }
    columns->count = count;
    return true;
}

/* Each column moves forward in the time of its own events only: the same twice, or late, changes nothing. Ordered, so
 * that replicas do not wait for each other in a circle. Of a device that is gone nothing is kept. */
static bool write_rows(struct store_session *session, int32_t tenant_id, const struct columns *columns, struct err *err)
{
    static const char sql[] =
        "INSERT INTO device_presence AS p (tenant_id, device_id, protocol, peer, last_seen_at, last_reading_at, "
        "connected_at, connection_id, disconnected_at, ended_id, reason) SELECT $1::int4, d.id, n.protocol, n.peer, "
        "nullif(n.seen, 'epoch'), nullif(n.reading, 'epoch'), nullif(n.connected, 'epoch'), n.connection, "
        "nullif(n.disconnected, 'epoch'), n.ended, n.reason FROM unnest($2::text[]::uuid[], $3::text[], $4::text[], "
        "$5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::timestamptz[], $10::text[], "
        "$11::text[]) AS n (id, protocol, peer, seen, reading, connected, connection, disconnected, ended, reason) "
        "JOIN device d ON d.tenant_id = $1::int4 AND d.id = n.id ORDER BY d.id "
        "ON CONFLICT (tenant_id, device_id) DO UPDATE SET protocol = coalesce(EXCLUDED.protocol, p.protocol), peer = "
        "CASE WHEN greatest(EXCLUDED.last_seen_at, p.last_seen_at) = EXCLUDED.last_seen_at THEN "
        "coalesce(EXCLUDED.peer, p.peer) ELSE p.peer END, last_seen_at = greatest(p.last_seen_at, "
        "EXCLUDED.last_seen_at), last_reading_at = greatest(p.last_reading_at, EXCLUDED.last_reading_at), "
        "connection_id = CASE WHEN EXCLUDED.connected_at > coalesce(p.connected_at, '-infinity') THEN "
        "EXCLUDED.connection_id ELSE p.connection_id END, connected_at = greatest(p.connected_at, "
        "EXCLUDED.connected_at), ended_id = CASE WHEN EXCLUDED.disconnected_at > coalesce(p.disconnected_at, "
        "'-infinity') THEN EXCLUDED.ended_id ELSE p.ended_id END, reason = CASE WHEN EXCLUDED.disconnected_at > "
        "coalesce(p.disconnected_at, '-infinity') THEN EXCLUDED.reason ELSE p.reason END, disconnected_at = "
        "greatest(p.disconnected_at, EXCLUDED.disconnected_at)";
    return store_run(session, sql,
        PARAMS(PARAM_INT(tenant_id), PARAM_TEXTS(columns->ids, columns->count),
            PARAM_TEXTS(columns->protocols, columns->count), PARAM_TEXTS(columns->peers, columns->count),
            PARAM_TIMES(columns->seen, columns->count), PARAM_TIMES(columns->reading, columns->count),
            PARAM_TIMES(columns->connected, columns->count), PARAM_TEXTS(columns->connections, columns->count),
            PARAM_TIMES(columns->disconnected, columns->count), PARAM_TEXTS(columns->ended, columns->count),
            PARAM_TEXTS(columns->reasons, columns->count)),
        NULL, err);
}

static bool take_tenant(
    struct registry *registry, const struct presence *presences, size_t count, struct arena *arena, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct columns columns = { 0 };
    int32_t tenant_id = presences[0].tenant_id;
    if (!columns_make(&columns, presences, count, arena))
        return err_set(err, ERR_LIMIT, "no memory for the presence of %zu devices", count);
    return store_session_open(&session, registry->store, err) && store_begin(session, tenant_id, err) &&
           write_rows(session, tenant_id, &columns, err) &&
           (columns.ready_count == 0 || command_store_tell_again(session, tenant_id, columns.ready, columns.ready_at,
                                            columns.ready_count, err)) &&
           store_commit(session, err);
}

bool presence_store_take(
    struct registry *registry, const struct presence *presences, size_t count, struct arena *arena, struct err *err)
{
    for (size_t first = 0, end; first < count; first = end) {
        end = first + 1;
        while (end < count && presences[end].tenant_id == presences[first].tenant_id)
            end++;
        if (!take_tenant(registry, &presences[first], end - first, arena, err))
            return err_wrap(err, "presence of tenant %d", (int)presences[first].tenant_id);
    }
    service_outbox_wake(registry->service);
    return true;
}

/* ---- one device's status ---- */
static bool read_sensors(struct work *work, Nwims__V1__DeviceStatus *status, int64_t *out_period_s, struct err *err)
{
    AUTO(store_result) rows = NULL;
    struct arena *arena = work->call->arena;
    if (!store_query(work->session, &rows,
            "SELECT id, code, period_s FROM sensor WHERE tenant_id = $1 AND device_id = $2::uuid AND state = 'active' "
            "ORDER BY code LIMIT $3::int4",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(status->device_id), PARAM_INT(MOST_SENSORS)), err))
        return false;
    size_t count = store_result_rows(rows);
    status->sensors = arena_alloc_array(arena, count + 1, sizeof *status->sensors);
    for (size_t i = 0; status->sensors && i < count; i++) {
        struct row row = { .rows = rows, .number = i, .arena = arena };
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__device_sensor_status__descriptor);
        Nwims__V1__DeviceSensorStatus *sensor = (Nwims__V1__DeviceSensorStatus *)made;
        if (!sensor || !(sensor->sensor_id = row_text(&row, 0)) || !(sensor->code = row_text(&row, 1)))
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        sensor->has_period_s = row_int(&row, 2, &sensor->period_s);
        if (sensor->has_period_s && (*out_period_s == 0 || sensor->period_s < *out_period_s))
            *out_period_s = sensor->period_s;
        status->sensors[status->n_sensors++] = sensor;
    }
    return status->sensors || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool read_presence(
    struct work *work, Nwims__V1__DeviceStatus *status, struct presence_state *state, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows,
            "SELECT last_seen_at, connected_at, disconnected_at, reason, peer, last_reading_at, connection_id IS NOT "
            "NULL AND connection_id IS DISTINCT FROM ended_id, (SELECT count(*) FROM device_command c WHERE "
            "c.tenant_id = $1 AND c.device_id = $2::uuid AND c.state IN ('queued', 'sent', 'delivered')) FROM (SELECT "
            "1) AS one LEFT JOIN device_presence p ON p.tenant_id = $1 AND p.device_id = $2::uuid",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(status->device_id)), err))
        return false;
    struct row row = { .rows = rows, .arena = work->call->arena };
    status->has_last_seen_at = row_time(&row, 0, &status->last_seen_at);
    status->has_connected_at = row_time(&row, 1, &status->connected_at);
    status->has_disconnected_at = row_time(&row, 2, &status->disconnected_at);
    status->disconnect_reason = row_text(&row, 3);
    status->address = row_text(&row, 4);
    status->has_last_reading_at = row_time(&row, 5, &status->last_reading_at);
    state->is_connected = store_result_bool(rows, 0, 6);
    status->has_commands_open = row_int(&row, 7, &status->commands_open);
    state->last_seen_at = status->last_seen_at;
    state->disconnected_at = status->disconnected_at;
    return !row.is_cut || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

bool presence_store_status(
    struct work *work, const Nwims__V1__Device *device, Nwims__V1__DeviceStatus *status, struct err *err)
{
    struct presence_state state = { 0 };
    status->device_id = device->id;
    status->code = device->code;
    status->protocol = device->protocol;
    status->state = device->state;
    if (!read_presence(work, status, &state, err) || !read_sensors(work, status, &state.period_s, err) ||
        !gaps_store_status(work, status, err))
        return false;
    state.holds_connection = strcmp(device->protocol, "mqtt") == 0 || strcmp(device->protocol, "tcp") == 0;
    status->has_is_online = true;
    status->is_online = presence_is_online(&state, clock_now_us());
    status->address_kind = status->address ? (char *)(uintptr_t)presence_address_kind(status->address) : NULL;
    return true;
}
