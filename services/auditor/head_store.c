#include "head_store.h"
#include "base/log.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { JWS_CEILING = 4096, ARENA_BYTES = 64 * 1024 };

/* The record is looked for by its place and by place and hash: a second one at the same place changes neither. */
#define HEAD_COLUMNS                                                                                                   \
    "h.ends_at, h.sequence, encode(h.hash, 'hex'), encode(h.previous, 'hex'), h.signed_at, h.kid, h.jws, "             \
    "EXISTS (SELECT 1 FROM record r WHERE r.tenant_id = h.tenant_id AND r.sequence = h.sequence), "                    \
    "EXISTS (SELECT 1 FROM record r WHERE r.tenant_id = h.tenant_id AND r.sequence = h.sequence AND r.hash = h.hash)"

static bool read_hash(unsigned char hash[SHA256_SIZE], const char *hex)
{
    return hex && text_from_hex(hash, SHA256_SIZE, hex, strlen(hex));
}

static bool read_head(struct stored_head *out_head, int32_t tenant_id, const struct store_result *rows, size_t row,
    struct arena *arena, struct err *err)
{
    *out_head = (struct stored_head){ .head = { .tenant_id = tenant_id,
                                          .ends_at = store_result_time(rows, row, 0),
                                          .sequence = store_result_int(rows, row, 1),
                                          .signed_at = store_result_time(rows, row, 4) },
        .key_id = store_result_copy(rows, row, 5, arena),
        .jws = store_result_copy(rows, row, 6, arena),
        .has_record = store_result_bool(rows, row, 7),
        .matches = store_result_bool(rows, row, 8) };
    if (!read_hash(out_head->head.hash, store_result_text(rows, row, 2)) ||
        !read_hash(out_head->head.previous, store_result_text(rows, row, 3)))
        return err_set(err, ERR_BUG, "a hash in the database is none");
    return (out_head->key_id && out_head->jws) || err_set(err, ERR_LIMIT, "no memory left for the heads");
}

bool head_store_list(struct store_session *session, int32_t tenant_id, int64_t after, size_t most, struct arena *arena,
    struct stored_head **out_heads, size_t *out_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT " HEAD_COLUMNS " FROM head h WHERE h.tenant_id = $1::int4 AND h.ends_at > $2 ORDER BY h.ends_at "
            "LIMIT $3::int8",
            PARAMS(PARAM_INT(tenant_id), PARAM_TIME(after), PARAM_INT((int64_t)most)), err))
        return false;
    size_t count = store_result_rows(rows);
    struct stored_head *heads = arena_alloc_array(arena, count + 1, sizeof *heads);
    if (!heads)
        return err_set(err, ERR_LIMIT, "no memory left for the heads");
    for (size_t row = 0; row < count; row++)
        if (!read_head(&heads[row], tenant_id, rows, row, arena, err))
            return false;
    *out_heads = heads;
    *out_count = count;
    return true;
}

bool head_store_last(struct store_session *session, int32_t tenant_id, int64_t until, struct arena *arena,
    struct stored_head *out_head, bool *out_has_head, struct err *err)
{
    AUTO(store_result) row = NULL;
    if (!store_query(session, &row,
            "SELECT " HEAD_COLUMNS " FROM head h WHERE h.tenant_id = $1::int4 AND h.ends_at <= $2 ORDER BY h.ends_at "
            "DESC LIMIT 1",
            PARAMS(PARAM_INT(tenant_id), PARAM_TIME(until)), err))
        return false;
    *out_has_head = store_result_rows(row) > 0;
    return !*out_has_head || read_head(out_head, tenant_id, row, 0, arena, err);
}

/* ---- sealing -------------------------------------------------------------------------------------------------------
 */
struct sealing {
    struct store_session *session;
    struct key_store *keys;
    int32_t tenant_id;
    int64_t period_us, now, began_at;
    char last_jws[JWS_CEILING]; /* "" before the first */
    int64_t sealed_to;
    int64_t sealed_sequence;
};

/* The chain's own lock: nobody appends meanwhile, and whoever appends afterwards does it at a later time of this
 * clock. */
static bool lock_and_look(struct sealing *sealing, struct err *err)
{
    char tenant[16];
    AUTO(store_result) row = NULL;
    snprintf(tenant, sizeof tenant, "%" PRId32, sealing->tenant_id);
    if (!store_run(sealing->session, "SELECT pg_advisory_xact_lock(hashtextextended('audit.chain:' || $1, 0))",
            PARAMS(PARAM_TEXT(tenant)), NULL, err) ||
        !store_query(sealing->session, &row, "SELECT clock_timestamp(), began_at FROM chain WHERE tenant_id = $1::int4",
            PARAMS(PARAM_INT(sealing->tenant_id)), err))
        return false;
    if (store_result_rows(row) == 0)
        return err_set(err, ERR_CONFLICT, "the chain is not there any more");
    sealing->now = store_result_time(row, 0, 0);
    sealing->began_at = store_result_time(row, 0, 1);
    return true;
}

/* Whoever cut or rewrote the chain must not get our signature under what is left. */
static bool take_up_last(struct sealing *sealing, struct err *err)
{
    AUTO_INPLACE(arena) arena;
    struct stored_head last;
    bool has_last;
    arena_init(&arena, ARENA_BYTES);
    if (!head_store_last(sealing->session, sealing->tenant_id, sealing->now, &arena, &last, &has_last, err))
        return false;
    sealing->sealed_to = has_last ? last.head.ends_at : sealing->began_at - sealing->began_at % sealing->period_us;
    if (!has_last)
        return true;
    if (!key_store_verify(sealing->keys, &last.head, last.key_id, last.jws))
        return err_set(err, ERR_CONFLICT, "the last signed head was changed");
    if (last.head.sequence > 0 && !last.matches)
        return err_set(
            err, ERR_CONFLICT, "record %" PRId64 " is not the one that the last head signs", last.head.sequence);
    sealing->sealed_sequence = last.head.sequence;
    return text_copy(sealing->last_jws, sizeof sealing->last_jws, last.jws, strlen(last.jws)) ||
           err_set(err, ERR_CONFLICT, "the last signed head is too long to be ours");
}

/* The last record stored before ends_at; none leaves the head's sequence at 0. */
static bool find_end(const struct sealing *sealing, struct chain_head *head, struct err *err)
{
    AUTO(store_result) row = NULL;
    if (!store_query(sealing->session, &row,
            "SELECT sequence, encode(hash, 'hex') FROM record WHERE tenant_id = $1::int4 AND recorded_at < $2 ORDER BY "
            "recorded_at DESC, sequence DESC LIMIT 1",
            PARAMS(PARAM_INT(sealing->tenant_id), PARAM_TIME(head->ends_at)), err))
        return false;
    if (store_result_rows(row) > 0) {
        head->sequence = store_result_int(row, 0, 0);
        if (!read_hash(head->hash, store_result_text(row, 0, 1)))
            return err_set(err, ERR_BUG, "the hash of record %" PRId64 " is none", head->sequence);
    }
    return head->sequence >= sealing->sealed_sequence ||
           err_set(err, ERR_CONFLICT, "record %" PRId64 " was signed and the chain ends at %" PRId64,
               sealing->sealed_sequence, head->sequence);
}

static bool insert_head(
    struct sealing *sealing, const struct chain_head *head, const char *key_id, const char *jws, struct err *err)
{
    return store_run(sealing->session,
        "INSERT INTO head (tenant_id, ends_at, sequence, hash, previous, signed_at, kid, jws) VALUES ($1::int4, $2, "
        "$3::int8, $4, $5, $6, $7, $8)",
        PARAMS(PARAM_INT(head->tenant_id), PARAM_TIME(head->ends_at), PARAM_INT(head->sequence),
            PARAM_BYTES(head->hash, SHA256_SIZE), PARAM_BYTES(head->previous, SHA256_SIZE), PARAM_TIME(head->signed_at),
            PARAM_TEXT(key_id), PARAM_TEXT(jws)),
        NULL, err);
}

static bool seal_period(struct sealing *sealing, int64_t ends_at, struct err *err)
{
    AUTO_INPLACE(buffer) jws = { .ceiling_bytes = JWS_CEILING - 1 };
    char key_id[KEY_ID_SIZE];
    struct chain_head head = { .tenant_id = sealing->tenant_id, .ends_at = ends_at, .signed_at = sealing->now };
    if (*sealing->last_jws)
        auth_sha256(head.previous, sealing->last_jws, strlen(sealing->last_jws));
    if (!find_end(sealing, &head, err) || !key_store_sign(sealing->keys, &jws, key_id, &head, err) ||
        !insert_head(sealing, &head, key_id, jws.data, err))
        return false;
    /* The log is a second place for it, out of reach of who rules the database. */
    log_info(NULL, "audit.head_signed", LOG_COUNT("tenant_id", head.tenant_id), LOG_COUNT("sequence", head.sequence),
        LOG_TEXT("head", jws.data));
    sealing->sealed_sequence = head.sequence;
    return text_copy(sealing->last_jws, sizeof sealing->last_jws, jws.data, jws.size) ||
           err_set(err, ERR_LIMIT, "no room for a head");
}

bool head_store_seal(struct store *store, struct key_store *keys, int32_t tenant_id, int64_t period_us, size_t most,
    size_t *out_signed, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct sealing sealing = { .keys = keys, .tenant_id = tenant_id, .period_us = period_us };
    size_t done = 0;
    if (!store_session_open(&session, store, err) || !store_begin(session, tenant_id, err))
        return false;
    sealing.session = session;
    if (!lock_and_look(&sealing, err) || !take_up_last(&sealing, err))
        return false;
    int64_t ends_at = head_period_end(sealing.sealed_to, period_us);
    for (; ends_at <= sealing.now && done < most; ends_at += period_us, done++)
        if (!seal_period(&sealing, ends_at, err))
            return false;
    if (done > 0 && !store_commit(session, err))
        return false;
    *out_signed = done;
    return true;
}

bool head_store_chains(
    struct store *store, struct arena *arena, int32_t **out_tenants, size_t *out_count, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, store, err) ||
        !store_query(session, &rows, "SELECT tenant_id FROM list_chains()", NO_PARAMS, err))
        return false;
    size_t count = store_result_rows(rows);
    int32_t *tenants = arena_alloc_array(arena, count + 1, sizeof *tenants);
    if (!tenants)
        return err_set(err, ERR_LIMIT, "no memory for %zu chains", count);
    for (size_t row = 0; row < count; row++)
        tenants[row] = (int32_t)store_result_int(rows, row, 0);
    *out_tenants = tenants;
    *out_count = count;
    return true;
}
