#include "verify_store.h"
#include "base/text.h"
#include <inttypes.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "sequence, recorded_at, happened_at, id, encode(previous, 'hex'), encode(hash, 'hex'), actor, action, entity, "    \
    "entity_id, outcome, peer, request_id, trace_id, detail"
enum { FIRST_TEXT = 6 };

static bool read_hash(unsigned char hash[SHA256_SIZE], const char *hex)
{
    return hex && text_from_hex(hash, SHA256_SIZE, hex, strlen(hex));
}

/* Whatever somebody made of the row must not stop us: what cannot be a hash becomes zeroes, which fit nothing. */
static bool read_record(struct record *record, int32_t tenant_id, const struct store_result *rows, size_t row,
    struct arena *arena, struct err *err)
{
    const char *id = store_result_text(rows, row, 3);
    *record = (struct record){ .tenant_id = tenant_id,
        .sequence = store_result_int(rows, row, 0),
        .recorded_at = store_result_time(rows, row, 1),
        .happened_at = store_result_time(rows, row, 2) };
    if (!id || !uuid_parse(id, strlen(id), &record->id))
        return err_set(err, ERR_BUG, "an id in the database is none");
    if (!read_hash(record->previous, store_result_text(rows, row, 4)))
        memset(record->previous, 0, SHA256_SIZE);
    if (!read_hash(record->hash, store_result_text(rows, row, 5)))
        memset(record->hash, 0, SHA256_SIZE);
    for (size_t i = 0; i < RECORD_TEXTS; i++) {
        if (store_result_is_null(rows, row, FIRST_TEXT + i))
            continue;
        record->texts[i] = store_result_copy(rows, row, FIRST_TEXT + i, arena);
        if (!record->texts[i])
            return err_set(err, ERR_LIMIT, "no memory left for the records");
    }
    return true;
}

bool verify_store_page(struct store_session *session, int32_t tenant_id, int64_t sequence, const struct uuid *id,
    size_t most, struct arena *arena, struct record **out_records, size_t *out_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    char id_text[UUID_TEXT_SIZE];
    uuid_format(id_text, id);
    if (!store_query(session, &rows,
            "SELECT " COLUMNS " FROM record WHERE tenant_id = $1::int4 AND sequence >= $2::int8 AND (sequence, id) > "
            "($2::int8, $3::uuid) ORDER BY sequence, id LIMIT $4::int8",
            PARAMS(PARAM_INT(tenant_id), PARAM_INT(sequence), PARAM_TEXT(id_text), PARAM_INT((int64_t)most)), err))
        return false;
    size_t count = store_result_rows(rows);
    struct record *records = arena_alloc_array(arena, count + 1, sizeof *records);
    if (!records)
        return err_set(err, ERR_LIMIT, "no memory left for the records");
    for (size_t row = 0; row < count; row++)
        if (!read_record(&records[row], tenant_id, rows, row, arena, err))
            return false;
    *out_records = records;
    *out_count = count;
    return true;
}

bool verify_store_before(struct store_session *session, int32_t tenant_id, int64_t from_at, struct arena *arena,
    struct record *out_record, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT " COLUMNS " FROM record WHERE tenant_id = $1::int4 AND recorded_at < $2 ORDER BY recorded_at DESC, "
            "sequence DESC LIMIT 1",
            PARAMS(PARAM_INT(tenant_id), PARAM_TIME(from_at)), err))
        return false;
    *out_record = (struct record){ .tenant_id = tenant_id };
    return store_result_rows(rows) == 0 || read_record(out_record, tenant_id, rows, 0, arena, err);
}

bool verify_store_clock(
    struct store_session *session, int32_t tenant_id, int64_t *out_now, int64_t *out_began_at, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, "SELECT now(), (SELECT began_at FROM chain WHERE tenant_id = $1::int4)",
            PARAMS(PARAM_INT(tenant_id)), err))
        return false;
    *out_now = store_result_time(rows, 0, 0);
    *out_began_at = store_result_time(rows, 0, 1);
    return true;
}

bool verify_store_hash(struct store_session *session, int32_t tenant_id, int64_t sequence, struct arena *arena,
    const char **out_hash, struct err *err)
{
    AUTO(store_result) rows = NULL;
    *out_hash = NULL;
    if (!store_query(session, &rows,
            "SELECT encode(hash, 'hex') FROM record WHERE tenant_id = $1::int4 AND sequence = $2::int8 LIMIT 1",
            PARAMS(PARAM_INT(tenant_id), PARAM_INT(sequence)), err))
        return false;
    if (store_result_rows(rows) == 0)
        return true;
    *out_hash = store_result_copy(rows, 0, 0, arena);
    return *out_hash || err_set(err, ERR_LIMIT, "no memory left for a hash");
}
