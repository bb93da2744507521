#include "command_store.h"
#include "base/clock.h"
#include "row.h"
#include "service/service.h"
#include "store/outbox.h"
#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "id, device_id, name, payload, state, created_by, created_at, expires_at, sent_at, delivered_at, finished_at, "    \
    "result"
enum { USUAL_LIFE_S = 86400, EVENT_CEILING = 64 * 1024, LARGEST_RESULT = 16 * 1024 };

static bool fill(Nwims__V1__Command *command, struct row *row, struct err *err)
{
    command->id = row_text(row, 0);
    command->device_id = row_text(row, 1);
    command->name = row_text(row, 2);
    command->payload = row_text(row, 3);
    command->state = row_text(row, 4);
    command->created_by = row_text(row, 5);
    command->has_created_at = row_time(row, 6, &command->created_at);
    command->has_expires_at = row_time(row, 7, &command->expires_at);
    command->has_sent_at = row_time(row, 8, &command->sent_at);
    command->has_delivered_at = row_time(row, 9, &command->delivered_at);
    command->has_finished_at = row_time(row, 10, &command->finished_at);
    command->result = row_text(row, 11);
    return !row->is_cut || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool fill_all(Nwims__V1__ListCommandsReply *reply, const struct store_result *rows, size_t count,
    struct arena *arena, struct err *err)
{
    reply->items = arena_alloc_array(arena, count + 1, sizeof *reply->items);
    if (!reply->items)
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    for (size_t i = 0; i < count; i++) {
        struct row row = { .rows = rows, .number = i, .arena = arena };
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__command__descriptor);
        if (!made)
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        if (!fill((Nwims__V1__Command *)made, &row, err))
            return false;
        reply->items[reply->n_items++] = (Nwims__V1__Command *)made;
    }
    return true;
}

/* ---- telling the ingests ---- */
static bool tell(struct store_session *session, const Nwims__V1__DeviceCommand *event, struct err *err)
{
    AUTO_INPLACE(buffer) payload = { .ceiling_bytes = EVENT_CEILING };
    char subject[64];
    snprintf(subject, sizeof subject, "events.%d.command", (int)event->tenant_id);
    return wire_encode(&payload, &event->base, err) &&
           outbox_put(session, subject, payload.data, payload.size, NULL, err);
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* Rows of (id, device_id, protocol, name, payload, created_at, expires_at), after the tenant where it is in the rows.
 */
static bool tell_rows(
    struct store_session *session, const struct store_result *rows, int32_t tenant_id, struct err *err)
{
    size_t first = tenant_id == 0 ? 1 : 0;
    for (size_t i = 0; i < store_result_rows(rows); i++) {
        Nwims__V1__DeviceCommand event = NWIMS__V1__DEVICE_COMMAND__INIT;
        event.has_tenant_id = event.has_created_at = event.has_expires_at = true;
        event.tenant_id = tenant_id ? tenant_id : (int32_t)store_result_int(rows, i, 0);
        event.command_id = borrow(store_result_text(rows, i, first));
        event.device_id = borrow(store_result_text(rows, i, first + 1));
        event.protocol = borrow(store_result_text(rows, i, first + 2));
        event.name = borrow(store_result_text(rows, i, first + 3));
        event.payload = borrow(store_result_text(rows, i, first + 4));
        event.created_at = store_result_time(rows, i, first + 5);
        event.expires_at = store_result_time(rows, i, first + 6);
        event.state = borrow("queued");
        if (!tell(session, &event, err))
            return false;
    }
    return true;
}

static bool tell_over(struct store_session *session, const struct store_result *rows, size_t row, int32_t tenant_id,
    const char *state, struct err *err)
{
    Nwims__V1__DeviceCommand event = NWIMS__V1__DEVICE_COMMAND__INIT;
    size_t first = tenant_id == 0 ? 1 : 0;
    event.has_tenant_id = true;
    event.tenant_id = tenant_id ? tenant_id : (int32_t)store_result_int(rows, row, 0);
    event.command_id = borrow(store_result_text(rows, row, first));
    event.device_id = borrow(store_result_text(rows, row, first + 1));
    event.protocol = borrow(store_result_text(rows, row, first + 2));
    event.name = borrow(store_result_text(rows, row, first + 3));
    event.state = borrow(state);
    return tell(session, &event, err);
}

/* ---- of a call ---- */
static bool has_room(struct work *work, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows,
            "SELECT count(*) FROM device_command WHERE tenant_id = $1 AND device_id = $2::uuid AND state IN ('queued', "
            "'sent', 'delivered')",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(work->key.id)), err))
        return false;
    return store_result_int(rows, 0, 0) < COMMAND_MOST_OPEN ||
           err_set(err, ERR_LIMIT, "%d commands wait for the device %s already: give it time, or let them expire",
               (int)COMMAND_MOST_OPEN, work->key.code);
}

bool command_store_create(struct work *work, const Nwims__V1__CreateCommandRequest *request, const char *protocol,
    Nwims__V1__Command *out_command, struct err *err)
{
    AUTO(store_result) rows = NULL;
    char id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    Nwims__V1__DeviceCommand event = NWIMS__V1__DEVICE_COMMAND__INIT;
    uuid_format(id, &uuid);
    if (!has_room(work, err) ||
        !store_query(work->session, &rows,
            "INSERT INTO device_command (tenant_id, id, device_id, name, payload, created_by, expires_at) VALUES ($1, "
            "$2::uuid, $3::uuid, $4, $5, $6, now() + $7::int8 * interval '1 second') RETURNING " COLUMNS,
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(id), PARAM_TEXT(work->key.id), PARAM_TEXT(request->name),
                PARAM_TEXT(request->payload), PARAM_TEXT(work->call->caller->actor),
                PARAM_INT(request->has_expires_in_s ? request->expires_in_s : USUAL_LIFE_S)),
            err))
        return false;
    struct row row = { .rows = rows, .arena = work->call->arena };
    if (!fill(out_command, &row, err))
        return false;
    event.has_tenant_id = event.has_created_at = event.has_expires_at = true;
    event.tenant_id = work->tenant_id;
    event.command_id = out_command->id;
    event.device_id = out_command->device_id;
    event.protocol = borrow(protocol);
    event.name = out_command->name;
    event.payload = out_command->payload;
    event.created_at = out_command->created_at;
    event.expires_at = out_command->expires_at;
    event.state = borrow("queued");
    return tell(work->session, &event, err);
}

bool command_store_list(struct work *work, const char *device_id, const char *state, const struct command_page *page,
    Nwims__V1__ListCommandsReply *out_reply, bool *out_has_more, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(work->session, &rows,
            "SELECT " COLUMNS " FROM device_command WHERE tenant_id = $1 AND device_id = $2::uuid AND ($3::text IS "
            "NULL OR state = $3::text) AND ($4::uuid IS NULL OR (created_at, id) < ($5::timestamptz, $4::uuid)) ORDER "
            "BY created_at DESC, id DESC LIMIT $6::int8",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(device_id), PARAM_TEXT(state), PARAM_TEXT(page->after_id),
                PARAM_TIME(page->after_at), PARAM_INT(page->limit + 1)),
            err))
        return false;
    size_t found = store_result_rows(rows);
    size_t count = found > (size_t)page->limit ? (size_t)page->limit : found;
    *out_has_more = found > count;
    return fill_all(out_reply, rows, count, work->call->arena, err);
}

bool command_store_list_open(struct store_session *session, int32_t tenant_id, const char *device_id,
    struct arena *arena, Nwims__V1__ListCommandsReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows,
               "SELECT " COLUMNS " FROM device_command WHERE tenant_id = $1 AND device_id = $2::uuid AND state IN "
               "('queued', 'sent') AND expires_at > now() ORDER BY created_at, id",
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(device_id)), err) &&
           fill_all(out_reply, rows, store_result_rows(rows), arena, err);
}

/* ---- of events ---- */
bool command_store_tell_again(struct store_session *session, int32_t tenant_id, const char **device_ids,
    const int64_t *ready_at, size_t count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows,
               "WITH told AS (UPDATE device_command c SET told_at = now() FROM unnest($2::text[]::uuid[], "
               "$3::timestamptz[]) AS n (device_id, ready_at), device d WHERE c.tenant_id = $1 AND c.device_id = "
               "n.device_id AND c.told_at < n.ready_at AND c.state IN ('queued', 'sent') AND c.expires_at > now() AND "
               "d.tenant_id = c.tenant_id AND d.id = c.device_id RETURNING c.id, c.device_id, d.protocol, c.name, "
               "c.payload, c.created_at, c.expires_at) SELECT * FROM told ORDER BY created_at, id",
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXTS(device_ids, count), PARAM_TIMES(ready_at, count)), err) &&
           tell_rows(session, rows, tenant_id, err);
}

/* What a state may follow; a result is taken even after the end of the time, for then it was sent before. */
static const struct transition {
    const char *said;
    const char *sql;
    bool is_over;
} transitions[] = {
    { "sent",
        "UPDATE device_command c SET state = 'sent', sent_at = $4, result = $5::text WHERE tenant_id = $1 AND id = "
        "$2::uuid AND device_id = $3::uuid AND state = 'queued' RETURNING id, device_id, NULL, name",
        false },
    { "delivered",
        "UPDATE device_command c SET state = 'delivered', sent_at = coalesce(sent_at, $4), delivered_at = $4, "
        "result = $5::text WHERE tenant_id = $1 AND id = $2::uuid AND device_id = $3::uuid AND state IN ('queued', "
        "'sent') RETURNING id, device_id, NULL, name",
        false },
    { "acknowledged",
        "UPDATE device_command c SET state = 'succeeded', sent_at = coalesce(sent_at, $4), finished_at = $4, result = "
        "$5::text WHERE tenant_id = $1 AND id = $2::uuid AND device_id = $3::uuid AND (state IN ('queued', 'sent', "
        "'delivered') OR (state = 'expired' AND sent_at IS NOT NULL)) RETURNING id, device_id, (SELECT protocol FROM "
        "device d WHERE d.tenant_id = c.tenant_id AND d.id = c.device_id), name",
        true },
    { "failed",
        "UPDATE device_command c SET state = 'failed', finished_at = $4, result = $5::text WHERE tenant_id = $1 AND id "
        "= $2::uuid AND device_id = $3::uuid AND (state IN ('queued', 'sent', 'delivered') OR (state = 'expired' AND "
        "sent_at IS NOT NULL)) RETURNING id, device_id, (SELECT protocol FROM device d WHERE d.tenant_id = "
        "c.tenant_id AND d.id = c.device_id), name",
        true },
};

static bool is_uuid(const char *text)
{
    struct uuid uuid;
    return text && uuid_parse(text, strlen(text), &uuid);
}

static const struct transition *transition_of(const Nwims__V1__CommandResult *result)
{
    bool is_sound = result->tenant_id > 0 && result->at > 0 && is_uuid(result->command_id) &&
                    is_uuid(result->device_id) && result->state &&
                    (!result->result || strlen(result->result) <= LARGEST_RESULT);
    for (size_t i = 0; is_sound && i < COUNT_OF(transitions); i++)
        if (strcmp(result->state, transitions[i].said) == 0)
            return &transitions[i];
    return NULL;
}

/* One that is not the device's, or is over already, changes no row. */
static bool take_result(struct store_session *session, const Nwims__V1__CommandResult *result, struct err *err)
{
    AUTO(store_result) rows = NULL;
    const struct transition *transition = transition_of(result);
    if (!transition)
        return true;
    if (!store_query(session, &rows, transition->sql,
            PARAMS(PARAM_INT(result->tenant_id), PARAM_TEXT(result->command_id), PARAM_TEXT(result->device_id),
                PARAM_TIME(result->at), PARAM_TEXT(result->result)),
            err))
        return false;
    return !transition->is_over || store_result_rows(rows) == 0 ||
           tell_over(session, rows, 0, result->tenant_id, "done", err);
}

bool command_store_take_results(
    struct registry *registry, const Nwims__V1__CommandResult *const *results, size_t count, struct err *err)
{
    for (size_t first = 0, end; first < count; first = end) {
        AUTO(store_session) session = NULL;
        end = first;
        if (!store_session_open(&session, registry->store, err) ||
            !store_begin(session, results[first]->tenant_id, err))
            return false;
        for (; end < count && results[end]->tenant_id == results[first]->tenant_id; end++)
            if (!take_result(session, results[end], err))
                return err_wrap(err, "result of a command");
        if (!store_commit(session, err))
            return false;
    }
    service_outbox_wake(registry->service);
    return true;
}

/* ---- over all tenants ---- */
enum { MOST_AT_ONCE = 500, KEEP_DAYS = 30, REPEAT_S = 60 };

static bool commit_told(struct registry *registry, struct store_session *session, size_t count, struct err *err)
{
    if (!store_commit(session, err))
        return false;
    if (count > 0)
        service_outbox_wake(registry->service);
    return true;
}

bool command_store_expire(struct registry *registry, size_t *out_count, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, registry->store, err) || !store_begin(session, 0, err) ||
        !store_query(session, &rows, "SELECT tenant_id, id, device_id, protocol, name FROM expire_commands($1::int4)",
            PARAMS(PARAM_INT(MOST_AT_ONCE)), err))
        return false;
    *out_count = store_result_rows(rows);
    for (size_t i = 0; i < *out_count; i++)
        if (!tell_over(session, rows, i, 0, "expired", err))
            return false;
    return commit_told(registry, session, *out_count, err);
}

bool command_store_repeat(struct registry *registry, size_t *out_count, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, registry->store, err) || !store_begin(session, 0, err) ||
        !store_query(session, &rows,
            "SELECT tenant_id, id, device_id, protocol, name, payload, created_at, expires_at FROM "
            "repeat_commands($1::int4, $2::int4 * interval '1 second') ORDER BY created_at, id",
            PARAMS(PARAM_INT(MOST_AT_ONCE), PARAM_INT(REPEAT_S)), err) ||
        !tell_rows(session, rows, 0, err))
        return false;
    *out_count = store_result_rows(rows);
    return commit_told(registry, session, *out_count, err);
}

bool command_store_purge(struct registry *registry, size_t *out_count, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, registry->store, err) || !store_begin(session, 0, err) ||
        !store_query(session, &rows, "SELECT purge_commands($1::int4, $2::int4 * interval '1 day')",
            PARAMS(PARAM_INT(MOST_AT_ONCE), PARAM_INT(KEEP_DAYS)), err))
        return false;
    *out_count = (size_t)store_result_int(rows, 0, 0);
    return store_commit(session, err);
}
