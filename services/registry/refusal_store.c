#include "refusal_store.h"
#include "base/base64.h"
#include "base/text.h"
#include "ingest/kept_body.h"
#include "row.h"
#include <string.h>

enum { PURGED_AT_ONCE = 1000 };

/* ---- keeping ---- */
static bool is_uuid(const char *text)
{
    struct uuid uuid;
    return text && uuid_parse(text, strlen(text), &uuid);
}

/* What was refused before refusals had ids has none, and was never shown: it is let go. */
static bool is_sound(const Nwims__V1__Refused *refused)
{
    const Nwims__V1__Provenance *provenance = refused->provenance;
    return refused->tenant_id > 0 && refused->received_at > 0 && is_uuid(refused->id) && refused->reason &&
           provenance && provenance->protocol && (!provenance->device_id || is_uuid(provenance->device_id));
}

/* The row and its count in one statement: what is there already is not counted again. */
static bool put(struct store_session *session, const Nwims__V1__Refused *refused, struct err *err)
{
    static const char sql[] =
        "WITH kept AS (INSERT INTO refusal (tenant_id, id, received_at, protocol, reason, detail, device_id, actor, "
        "peer, codec, content_type, raw, size, readings) VALUES ($1::int4, $2::uuid, $3::timestamptz, $4, $5, $6, "
        "$7::uuid, $8, $9, $10, $11, $12::bytea, $13::int8, NULLIF($14::int8, 0)) ON CONFLICT (tenant_id, id) DO "
        "NOTHING RETURNING tenant_id, received_at, protocol, reason, readings) "
        "INSERT INTO refusal_count AS c (tenant_id, day, protocol, reason, readings, last_at) SELECT tenant_id, "
        "(received_at AT TIME ZONE 'UTC')::date, protocol, reason, coalesce(readings, 1), received_at FROM kept ON "
        "CONFLICT (tenant_id, day, protocol, reason) DO UPDATE SET readings = c.readings + EXCLUDED.readings, last_at "
        "= greatest(c.last_at, EXCLUDED.last_at)";
    const Nwims__V1__Provenance *from = refused->provenance;
    return store_run(session, sql,
        PARAMS(PARAM_INT(refused->tenant_id), PARAM_TEXT(refused->id), PARAM_TIME(refused->received_at),
            PARAM_TEXT(from->protocol), PARAM_TEXT(refused->reason), PARAM_TEXT(refused->detail),
            PARAM_TEXT(from->device_id), PARAM_TEXT(from->actor), PARAM_TEXT(from->peer), PARAM_TEXT(from->codec),
            PARAM_TEXT(refused->content_type),
            refused->has_raw ? PARAM_BYTES(refused->raw.data, refused->raw.len) : PARAM_NULL, PARAM_INT(refused->size),
            PARAM_INT(refused->readings)),
        NULL, err);
}

/* Beyond the ceiling the oldest go. */
static bool trim(struct store_session *session, int32_t tenant_id, int64_t most, struct err *err)
{
    return store_run(session,
        "DELETE FROM refusal WHERE tenant_id = $1 AND (received_at, id) <= (SELECT received_at, id FROM refusal WHERE "
        "tenant_id = $1 ORDER BY received_at DESC, id DESC OFFSET $2::int8 LIMIT 1)",
        PARAMS(PARAM_INT(tenant_id), PARAM_INT(most)), NULL, err);
}

/* Those of one tenant, wherever they stand among the others. */
static bool take_tenant(struct registry *registry, const Nwims__V1__Refused *const *refusals, size_t count,
    int32_t tenant_id, struct err *err)
{
    AUTO(store_session) session = NULL;
    if (!store_session_open(&session, registry->store, err) || !store_begin(session, tenant_id, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (refusals[i]->tenant_id == tenant_id && is_sound(refusals[i]) && !put(session, refusals[i], err))
            return err_wrap(err, "keeping what was refused");
    return trim(session, tenant_id, registry->refusals_most, err) && store_commit(session, err);
}

bool refusal_store_take(struct registry *registry, const Nwims__V1__Refused *const *refusals, size_t count,
    struct arena *arena, struct err *err)
{
    bool *is_taken = arena_alloc_array(arena, count + 1, sizeof *is_taken);
    if (!is_taken)
        return err_set(err, ERR_LIMIT, "no memory for %zu refusals", count);
    for (size_t i = 0; i < count; i++) {
        if (is_taken[i] || refusals[i]->tenant_id <= 0)
            continue;
        for (size_t k = i; k < count; k++)
            is_taken[k] = is_taken[k] || refusals[k]->tenant_id == refusals[i]->tenant_id;
        if (!take_tenant(registry, refusals + i, count - i, refusals[i]->tenant_id, err))
            return false;
    }
    return true;
}

bool refusal_store_purge(struct registry *registry, size_t *out_count, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, registry->store, err) || !store_begin(session, 0, err) ||
        !store_query(session, &rows, "SELECT purge_refusals($1::int4, $2::int4 * interval '1 day')",
            PARAMS(PARAM_INT(PURGED_AT_ONCE), PARAM_INT(registry->refusals_days)), err))
        return false;
    *out_count = (size_t)store_result_int(rows, 0, 0);
    return store_commit(session, err);
}

/* ---- showing ---- */
#define COLUMNS                                                                                                        \
    "r.id, r.received_at, r.protocol, r.reason, r.state, r.detail, r.device_id, d.code, r.actor, r.peer, r.codec, "    \
    "r.content_type, r.readings, r.size, r.size = coalesce(octet_length(r.raw), -1), r.replayed_at, r.replayed_by, "   \
    "r.replay_accepted, r.replay_refused, r.replay_detail"
#define FROM                                                                                                           \
    " FROM refusal r LEFT JOIN device d ON d.tenant_id = r.tenant_id AND d.id = r.device_id WHERE r.tenant_id = $1"
enum { COLUMN_IS_WHOLE = 14, COLUMN_RAW = 20 };

static bool fill(Nwims__V1__Rejection *rejection, struct row *row, struct err *err)
{
    rejection->id = row_text(row, 0);
    rejection->has_received_at = row_time(row, 1, &rejection->received_at);
    rejection->protocol = row_text(row, 2);
    rejection->reason = row_text(row, 3);
    rejection->state = row_text(row, 4);
    rejection->detail = row_text(row, 5);
    rejection->device_id = row_text(row, 6);
    rejection->device_code = row_text(row, 7);
    rejection->actor = row_text(row, 8);
    rejection->peer = row_text(row, 9);
    rejection->codec = row_text(row, 10);
    rejection->content_type = row_text(row, 11);
    rejection->has_readings = row_int(row, 12, &rejection->readings);
    rejection->has_size = row_int(row, 13, &rejection->size);
    rejection->has_can_replay = true;
    rejection->can_replay =
        store_result_bool(row->rows, row->number, COLUMN_IS_WHOLE) && kept_body_is_readable(rejection->content_type);
    rejection->has_replayed_at = row_time(row, 15, &rejection->replayed_at);
    rejection->replayed_by = row_text(row, 16);
    rejection->has_replay_accepted = row_int(row, 17, &rejection->replay_accepted);
    rejection->has_replay_refused = row_int(row, 18, &rejection->replay_refused);
    rejection->replay_detail = row_text(row, 19);
    return !row->is_cut || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

void refusal_store_put_filter(struct sql *sql, const ProtobufCMessage *filter)
{
    static const struct {
        const char *field, *condition, *type;
    } filters[] = {
        { "device_id", "r.device_id =", "uuid" },
        { "reason", "r.reason =", "text" },
        { "protocol", "r.protocol =", "text" },
        { "state", "r.state =", "text" },
        { "from_at", "r.received_at >=", "timestamptz" },
        { "to_at", "r.received_at <", "timestamptz" },
    };
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        const struct store_param value = row_param(filter, filters[i].field);
        if (value.type != STORE_NULL)
            sql_put(sql, " AND %s $%zu::%s", filters[i].condition, sql_param(sql, value), filters[i].type);
    }
}

bool refusal_store_list(struct work *work, const Nwims__V1__ListRejectionsRequest *request, const struct page *page,
    Nwims__V1__ListRejectionsReply *out_reply, bool *out_has_more, struct err *err)
{
    AUTO_INPLACE(sql) sql = SQL_INIT;
    AUTO(store_result) rows = NULL;
    struct arena *arena = work->call->arena;
    sql_param(&sql, PARAM_INT(work->tenant_id));
    sql_put(&sql, "SELECT " COLUMNS FROM);
    refusal_store_put_filter(&sql, &request->base);
    if (page->has_after) {
        size_t key = sql_param(&sql, PARAM_TEXT(page->after_key)), id = sql_param(&sql, PARAM_TEXT(page->after_id));
        sql_put(&sql, " AND (r.received_at, r.id) < ($%zu::text::timestamptz, $%zu::uuid)", key, id);
    }
    sql_put(
        &sql, " ORDER BY r.received_at DESC, r.id DESC LIMIT $%zu::int8", sql_param(&sql, PARAM_INT(page->limit + 1)));
    if (!sql_query(&sql, work->session, &rows, err))
        return false;
    size_t found = store_result_rows(rows);
    size_t count = found > (size_t)page->limit ? (size_t)page->limit : found;
    *out_has_more = found > count;
    out_reply->items = arena_alloc_array(arena, count + 1, sizeof *out_reply->items);
    for (size_t i = 0; out_reply->items && i < count; i++) {
        struct row row = { .rows = rows, .number = i, .arena = arena };
        Nwims__V1__Rejection *rejection = (Nwims__V1__Rejection *)wire_new(arena, &nwims__v1__rejection__descriptor);
        if (!rejection)
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        if (!fill(rejection, &row, err))
            return false;
        out_reply->items[out_reply->n_items++] = rejection;
    }
    return out_reply->items || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

/* Whether people can read it: UTF-8 without control characters but those of lines. */
static bool is_text(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] < ' ' && bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != '\t')
            return false;
    return text_is_utf8((const char *)bytes, size);
}

static bool show_body(struct row *row, Nwims__V1__Rejection *rejection, struct err *err)
{
    AUTO_INPLACE(buffer) base64 = { .ceiling_bytes = 128 * 1024 };
    unsigned char *bytes;
    size_t size;
    if (store_result_is_null(row->rows, row->number, COLUMN_RAW))
        return true;
    if (!store_result_bytes(row->rows, row->number, COLUMN_RAW, row->arena, &bytes, &size))
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    base64_encode(&base64, bytes, size);
    if (!buffer_ok(&base64) || !(rejection->raw = arena_text(row->arena, base64.data ? base64.data : "")))
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    if (is_text(bytes, size) && !(rejection->text = arena_text_n(row->arena, (const char *)bytes, size)))
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    return true;
}

bool refusal_store_get(struct work *work, const char *id, Nwims__V1__Rejection *reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!is_uuid(id))
        return err_set(err, ERR_NOT_FOUND, "there is no such rejection");
    if (!store_query(work->session, &rows, "SELECT " COLUMNS ", r.raw" FROM " AND r.id = $2::uuid",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(id)), err))
        return false;
    if (store_result_rows(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such rejection, or it is too old to be kept");
    struct row row = { .rows = rows, .arena = work->call->arena };
    return fill(reply, &row, err) && show_body(&row, reply, err);
}

/* ---- counting ---- */
/* The entry of the protocol of this row: the last one, or a new one behind it, for rows come by protocol. */
static Nwims__V1__ProtocolRefusals *entry_of(
    Nwims__V1__RefusalCounts *reply, const struct store_result *rows, size_t row, struct arena *arena)
{
    Nwims__V1__ProtocolRefusals *last = reply->n_protocols > 0 ? reply->protocols[reply->n_protocols - 1] : NULL;
    if (last && strcmp(last->protocol, store_result_text(rows, row, 0)) == 0)
        return last;
    Nwims__V1__ProtocolRefusals *entry =
        (Nwims__V1__ProtocolRefusals *)wire_new(arena, &nwims__v1__protocol_refusals__descriptor);
    size_t reasons = store_result_rows(rows);
    if (!entry || !(entry->protocol = store_result_copy(rows, row, 0, arena)) ||
        !(entry->refusals = arena_alloc_array(arena, reasons, sizeof *entry->refusals)))
        return NULL;
    return reply->protocols[reply->n_protocols++] = entry;
}

static bool put_count(
    Nwims__V1__ProtocolRefusals *entry, const struct store_result *rows, size_t row, struct arena *arena)
{
    Nwims__V1__RefusalCount *count = (Nwims__V1__RefusalCount *)wire_new(arena, &nwims__v1__refusal_count__descriptor);
    if (!count || !(count->reason = store_result_copy(rows, row, 1, arena)))
        return false;
    count->has_readings = true;
    count->readings = store_result_int(rows, row, 2);
    entry->refusals[entry->n_refusals++] = count;
    return true;
}

bool refusal_store_count(struct store_session *session, int32_t tenant_id, int64_t from_us, int64_t to_us,
    struct arena *arena, Nwims__V1__RefusalCounts *out_reply, struct err *err)
{
    /* A row without a reason is of the devices that were seen. */
    static const char sql[] =
        "SELECT protocol, reason, sum(readings)::int8, max(last_at) FROM refusal_count WHERE tenant_id = $1 AND day "
        "BETWEEN ($2::timestamptz AT TIME ZONE 'UTC')::date AND ($3::timestamptz AT TIME ZONE 'UTC')::date GROUP BY "
        "protocol, reason UNION ALL SELECT protocol, NULL, count(*), max(last_seen_at) FROM device_presence WHERE "
        "tenant_id = $1 AND last_seen_at >= $2 AND protocol IS NOT NULL GROUP BY protocol ORDER BY 1, 2 NULLS FIRST";
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, sql, PARAMS(PARAM_INT(tenant_id), PARAM_TIME(from_us), PARAM_TIME(to_us)), err))
        return false;
    size_t count = store_result_rows(rows);
    out_reply->protocols = arena_alloc_array(arena, count + 1, sizeof *out_reply->protocols);
    for (size_t i = 0; out_reply->protocols && i < count; i++) {
        Nwims__V1__ProtocolRefusals *entry = entry_of(out_reply, rows, i, arena);
        int64_t last_at = store_result_time(rows, i, 3);
        if (!entry)
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        entry->has_last_seen_at = true;
        entry->last_seen_at = last_at > entry->last_seen_at ? last_at : entry->last_seen_at;
        if (!store_result_is_null(rows, i, 1) && !put_count(entry, rows, i, arena))
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        if (store_result_is_null(rows, i, 1)) {
            entry->has_devices_seen = true;
            entry->devices_seen = store_result_int(rows, i, 2);
        }
    }
    return out_reply->protocols || err_set(err, ERR_LIMIT, "no memory left for the answer");
}
