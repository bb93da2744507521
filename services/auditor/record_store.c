#include "record_store.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "record.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CHAINS_REMEMBERED = 100000, SCRATCH_CEILING = 1024 * 1024 };
/* How far the clock of who made a record may be ahead of PostgreSQL's. */
#define CLOCK_SLACK_US (INT64_C(2) * 86400 * 1000000)

struct chain_ends {
    struct map *sequences; /* tenant -> int64_t on the heap */
    struct buffer scratch;
};

struct chain_ends *chain_ends_new(void)
{
    struct chain_ends *ends = calloc(1, sizeof *ends);
    if (!ends)
        return NULL;
    ends->sequences = map_new(MOST_CHAINS_REMEMBERED);
    buffer_init(&ends->scratch, SCRATCH_CEILING);
    if (ends->sequences)
        return ends;
    free(ends);
    return NULL;
}

void chain_ends_free(struct chain_ends *ends)
{
    if (!ends)
        return;
    map_free(ends->sequences, free);
    buffer_done(&ends->scratch);
    free(ends);
}

/* Where it does not fit it is not remembered: the signed heads find what is cut all the same. */
static void remember(struct chain_ends *ends, int32_t tenant_id, int64_t sequence)
{
    int64_t *kept = map_get(ends->sequences, &tenant_id, sizeof tenant_id);
    if (kept) {
        *kept = sequence;
        return;
    }
    kept = malloc(sizeof *kept);
    if (!kept)
        return;
    *kept = sequence;
    if (!map_put(ends->sequences, &tenant_id, sizeof tenant_id, kept, NULL))
        free(kept);
}

/* ---- one chain -----------------------------------------------------------------------------------------------------
 */
struct chain_end {
    int64_t sequence;
    int64_t now; /* PostgreSQL's clock, but not before the last record */
    unsigned char hash[SHA256_SIZE];
};

/* From here to the end of the transaction nobody else appends to this chain, and row-level security shows it. */
static bool lock_chain(struct store_session *session, int32_t tenant_id, struct err *err)
{
    char tenant[16];
    snprintf(tenant, sizeof tenant, "%" PRId32, tenant_id);
    return store_run(session,
        "SELECT set_config('nwims.tenant_id', $1, true), pg_advisory_xact_lock(hashtextextended('audit.chain:' || $1, "
        "0))",
        PARAMS(PARAM_TEXT(tenant)), NULL, err);
}

/* A statement of its own, so that it sees what was committed while we waited for the lock. */
static bool read_end(struct store_session *session, int32_t tenant_id, struct chain_end *out_end, struct err *err)
{
    AUTO(store_result) row = NULL;
    *out_end = (struct chain_end){ 0 };
    if (!store_query(session, &row,
            "SELECT coalesce(last.sequence, 0), encode(last.hash, 'hex'), greatest(last.recorded_at, "
            "clock_timestamp()) FROM (SELECT 1) one LEFT JOIN (SELECT sequence, hash, recorded_at FROM record WHERE "
            "tenant_id = $1::int4 ORDER BY sequence DESC LIMIT 1) last ON true",
            PARAMS(PARAM_INT(tenant_id)), err))
        return false;
    const char *hash = store_result_text(row, 0, 1);
    out_end->sequence = store_result_int(row, 0, 0);
    out_end->now = store_result_time(row, 0, 2);
    return !hash || text_from_hex(out_end->hash, SHA256_SIZE, hash, strlen(hash)) ||
           err_set(err, ERR_BUG, "the hash of record %" PRId64 " is none", out_end->sequence);
}

static bool begin_chain(struct store_session *session, int32_t tenant_id, int64_t now, struct err *err)
{
    return store_run(session, "INSERT INTO chain (tenant_id, began_at) VALUES ($1::int4, $2) ON CONFLICT DO NOTHING",
        PARAMS(PARAM_INT(tenant_id), PARAM_TIME(now)), NULL, err);
}

static char **id_texts(struct record *const *records, size_t count, struct arena *arena)
{
    char **ids = arena_alloc_array(arena, count, sizeof *ids);
    for (size_t i = 0; ids && i < count; i++) {
        ids[i] = arena_alloc(arena, UUID_TEXT_SIZE);
        if (!ids[i])
            return NULL;
        uuid_format(ids[i], &records[i]->id);
    }
    return ids;
}

/* The earliest time at which one of them can have been stored before. */
static int64_t earliest(struct record *const *records, size_t count, int64_t now)
{
    int64_t least = now;
    for (size_t i = 0; i < count; i++)
        if (record_id_time(&records[i]->id) < least)
            least = record_id_time(&records[i]->id);
    return least > CLOCK_SLACK_US ? least - CLOCK_SLACK_US : 0;
}

static bool is_among(const struct uuid *id, struct record *const *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(id->bytes, records[i]->id.bytes, sizeof id->bytes) == 0)
            return true;
    return false;
}

static bool is_in_rows(const char *id, const struct store_result *rows)
{
    for (size_t row = 0; row < store_result_rows(rows); row++)
        if (strcmp(id, store_result_text(rows, row, 0)) == 0)
            return true;
    return false;
}

/* Those that are not stored yet, each once, in the order in which they came. */
static bool sift(struct store_session *session, struct record *const *records, size_t count, int64_t since,
    struct arena *arena, struct record ***out_new, size_t *out_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    char **ids = id_texts(records, count, arena);
    struct record **fresh = arena_alloc_array(arena, count, sizeof(struct record *));
    size_t kept = 0;
    if (!ids || !fresh)
        return err_set(err, ERR_LIMIT, "no room for %zu records", count);
    /* Id by id, each by the unique index of a month: as one condition PostgreSQL may well walk the whole chain. */
    if (!store_query(session, &rows,
            "SELECT found.id FROM unnest($2::uuid[]) AS wanted (id) CROSS JOIN LATERAL (SELECT r.id FROM record r "
            "WHERE "
            "r.id = wanted.id AND r.tenant_id = $1::int4 AND r.recorded_at >= $3 LIMIT 1) found",
            PARAMS(PARAM_INT(records[0]->tenant_id), PARAM_TEXTS(ids, count), PARAM_TIME(since)), err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_in_rows(ids[i], rows) && !is_among(&records[i]->id, fresh, kept))
            fresh[kept++] = records[i];
    *out_new = fresh;
    *out_count = kept;
    return true;
}

static bool link_records(
    struct record **records, size_t count, const struct chain_end *end, struct buffer *scratch, struct err *err)
{
    const unsigned char *before = end->hash;
    for (size_t i = 0; i < count; i++) {
        records[i]->sequence = end->sequence + 1 + (int64_t)i;
        records[i]->recorded_at = end->now;
        memcpy(records[i]->previous, before, SHA256_SIZE);
        if (!chain_hash(records[i]->hash, records[i], scratch))
            return err_set(err, ERR_INPUT, "a record is too large to be hashed");
        before = records[i]->hash;
    }
    return true;
}

/* The columns of the rows as arrays. */
struct columns {
    char **ids;
    int64_t *happened_at;
    const char **texts[RECORD_TEXTS];
    char **previous, **hashes;
};

static char *hex(struct arena *arena, const unsigned char bytes[SHA256_SIZE])
{
    char *text = arena_alloc(arena, 2 * SHA256_SIZE + 1);
    if (text)
        text_hex(text, bytes, SHA256_SIZE);
    return text;
}

static bool lay_out(struct columns *columns, struct record *const *records, size_t count, struct arena *arena)
{
    columns->ids = id_texts(records, count, arena);
    columns->happened_at = arena_alloc_array(arena, count, sizeof *columns->happened_at);
    columns->previous = arena_alloc_array(arena, count, sizeof *columns->previous);
    columns->hashes = arena_alloc_array(arena, count, sizeof *columns->hashes);
    bool ok = columns->ids && columns->happened_at && columns->previous && columns->hashes;
    for (size_t t = 0; ok && t < RECORD_TEXTS; t++) {
        columns->texts[t] = arena_alloc_array(arena, count, sizeof(char *));
        ok = columns->texts[t] != NULL;
        for (size_t i = 0; ok && i < count; i++)
            columns->texts[t][i] = records[i]->texts[t];
    }
    for (size_t i = 0; ok && i < count; i++) {
        columns->happened_at[i] = records[i]->happened_at;
        columns->previous[i] = hex(arena, records[i]->previous);
        columns->hashes[i] = hex(arena, records[i]->hash);
        ok = columns->previous[i] && columns->hashes[i];
    }
    return ok;
}

static bool insert(
    struct store_session *session, struct record *const *records, size_t count, struct arena *arena, struct err *err)
{
    struct columns columns = { 0 };
    const struct record *first = records[0];
    if (!lay_out(&columns, records, count, arena))
        return err_set(err, ERR_LIMIT, "no room for %zu records", count);
#define TEXTS(text) PARAM_TEXTS(columns.texts[text], count)
    return store_run(session,
        "INSERT INTO record (tenant_id, recorded_at, sequence, id, happened_at, actor, action, entity, entity_id, "
        "outcome, peer, request_id, trace_id, detail, previous, hash) SELECT $1::int4, $2, $3::int8 + n - 1, id, "
        "happened_at, actor, action, entity, entity_id, outcome, peer, request_id, trace_id, detail, decode(previous, "
        "'hex'), decode(hash, 'hex') FROM unnest($4::uuid[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], "
        "$9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[]) WITH "
        "ORDINALITY AS r (id, happened_at, actor, action, entity, entity_id, outcome, peer, request_id, trace_id, "
        "detail, previous, hash, n)",
        PARAMS(PARAM_INT(first->tenant_id), PARAM_TIME(first->recorded_at), PARAM_INT(first->sequence),
            PARAM_TEXTS(columns.ids, count), PARAM_TIMES(columns.happened_at, count), TEXTS(RECORD_ACTOR),
            TEXTS(RECORD_ACTION), TEXTS(RECORD_ENTITY), TEXTS(RECORD_ENTITY_ID), TEXTS(RECORD_OUTCOME),
            TEXTS(RECORD_PEER), TEXTS(RECORD_REQUEST_ID), TEXTS(RECORD_TRACE_ID), TEXTS(RECORD_DETAIL),
            PARAM_TEXTS(columns.previous, count), PARAM_TEXTS(columns.hashes, count)),
        NULL, err);
#undef TEXTS
}

/* A chain that ends before what we have written ourselves was cut; we go on, for what comes must be kept. */
static void look_for_cut(
    const struct chain_ends *ends, int32_t tenant_id, const struct chain_end *end, struct record_appended *appended)
{
    const int64_t *known = map_get(ends->sequences, &tenant_id, sizeof tenant_id);
    if (!known || end->sequence >= *known)
        return;
    appended->shortened++;
    log_error(NULL, "audit.chain_was_cut", LOG_COUNT("tenant_id", tenant_id), LOG_COUNT("ends_at", end->sequence),
        LOG_COUNT("ended_at", *known));
}

/* Records of one tenant. */
static bool append_chain(struct store_session *session, struct chain_ends *ends, struct record *const *records,
    size_t count, bool is_thorough, struct arena *arena, struct record_appended *appended, struct err *err)
{
    struct chain_end end;
    struct record **fresh = NULL;
    size_t fresh_count = 0;
    int32_t tenant_id = records[0]->tenant_id;
    if (!lock_chain(session, tenant_id, err) || !read_end(session, tenant_id, &end, err))
        return false;
    look_for_cut(ends, tenant_id, &end, appended);
    int64_t since = is_thorough ? 0 : earliest(records, count, end.now);
    if ((end.sequence == 0 && !begin_chain(session, tenant_id, end.now, err)) ||
        !sift(session, records, count, since, arena, &fresh, &fresh_count, err))
        return false;
    if (fresh_count > 0 && (!link_records(fresh, fresh_count, &end, &ends->scratch, err) ||
                               !insert(session, fresh, fresh_count, arena, err)))
        return false;
    appended->stored += (int64_t)fresh_count;
    appended->duplicate += (int64_t)(count - fresh_count);
    return true;
}

static size_t run_length(struct record *const *records, size_t count)
{
    size_t length = 1;
    while (length < count && records[length]->tenant_id == records[0]->tenant_id)
        length++;
    return length;
}

static void remember_all(struct chain_ends *ends, struct record *const *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (records[i]->sequence > 0)
            remember(ends, records[i]->tenant_id, records[i]->sequence);
}

bool record_store_append(struct store_session *session, struct chain_ends *ends, struct record *const *records,
    size_t count, bool is_thorough, struct arena *arena, struct record_appended *out_appended, struct err *err)
{
    struct record_appended appended = { 0 };
    for (size_t i = 0; i < count; i++)
        records[i]->sequence = 0;
    if (!store_begin(session, 0, err))
        return false;
    for (size_t at = 0; at < count;) {
        size_t length = run_length(records + at, count - at);
        if (!append_chain(session, ends, records + at, length, is_thorough, arena, &appended, err)) {
            store_rollback(session);
            return false;
        }
        at += length;
    }
    if (!store_commit(session, err))
        return false;
    remember_all(ends, records, count);
    *out_appended = appended;
    return true;
}

bool record_store_make_months(struct store *store, struct err *err)
{
    AUTO(store_session) session = NULL;
    return store_session_open(&session, store, err) && store_begin(session, 0, err) &&
           store_run(session,
               "SELECT make_month(now()), make_month(date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' "
               "+ "
               "interval '1 month')",
               NO_PARAMS, NULL, err) &&
           store_commit(session, err);
}
