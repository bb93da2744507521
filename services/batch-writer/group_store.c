#include "group_store.h"
#include "partition_store.h"
#include "sequence_store.h"
#include "store/copy_writer.h"
#include "store/store_timer.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_PARTITIONS_MADE = 2000 }; /* of one group: a bound for a loop that ends by itself */

void group_store_init(struct group_store *store, int64_t partition_days, size_t arena_bytes)
{
    partition_list_init(&store->partitions);
    mark_set_init(&store->marks);
    arena_init(&store->arena, arena_bytes);
    store->partition_days = partition_days;
}

void group_store_done(struct group_store *store)
{
    partition_list_done(&store->partitions);
    mark_set_done(&store->marks);
    arena_done(&store->arena);
}

/* ---- the ledger ---------------------------------------------------------------------------------------------------
 */

static bool enter_known(struct batch *batches, size_t count, uint64_t sequence, int64_t stored, int64_t duplicate)
{
    bool is_new = false;
    for (size_t i = 0; i < count; i++)
        if (batches[i].sequence == sequence) {
            is_new = is_new || !batches[i].is_committed;
            batches[i].is_committed = true;
            batches[i].stored = stored;
            batches[i].duplicate = duplicate;
        }
    return is_new;
}

bool group_recognise(struct group_store *store, struct store_session *session, int64_t stream_epoch,
    struct batch *batches, size_t count, bool only_redelivered, size_t *out_known, struct err *err)
{
    AUTO(store_result) result = NULL;
    size_t asked = 0;
    arena_reset(&store->arena);
    *out_known = 0;
    int64_t *sequences = arena_alloc_array(&store->arena, count, sizeof *sequences);
    if (!sequences)
        return err_set(err, ERR_LIMIT, "no memory for %zu positions", count);
    for (size_t i = 0; i < count; i++)
        if (!batches[i].is_committed && (!only_redelivered || batches[i].delivered > 1))
            sequences[asked++] = (int64_t)batches[i].sequence;
    if (asked == 0)
        return true;
    if (!store_query(session, &result,
            "SELECT stream_sequence, stored, duplicate FROM telemetry.committed_message "
            "WHERE stream_epoch = $1::int8 AND stream_sequence = ANY ($2::int8[])",
            PARAMS(PARAM_INT(stream_epoch), PARAM_INT8S(sequences, asked)), err))
        return err_wrap(err, "ledger");
    for (size_t row = 0; row < store_result_rows(result); row++)
        if (enter_known(batches, count, (uint64_t)store_result_int(result, row, 0), store_result_int(result, row, 1),
                store_result_int(result, row, 2)))
            (*out_known)++;
    return true;
}

/* Ledger, rollup marks and counts in one statement: one round trip. */
static bool put_accounts(struct group_store *store, struct store_session *session, int64_t stream_epoch,
    const struct batch *batches, size_t count, struct err *err)
{
    static const char sql[] =
        "WITH ledger AS ("
        " INSERT INTO telemetry.committed_message (stream_epoch, stream_sequence, tenant_id, stored, duplicate)"
        " SELECT $1::int8, m.* FROM unnest($2::int8[], $3::int4[], $4::int4[], $5::int4[]) AS m),"
        "due AS ("
        " INSERT INTO telemetry.rollup_due (marks, first_hour, last_hour, sensor_no, hour)"
        " SELECT cardinality($6::int4[]), $8::int4, $9::int4, $6::int4[], $7::int4[] WHERE cardinality($6::int4[]) > "
        "0),"
        "arrival AS ("
        " SELECT tenant_id, minute, date '1970-01-01' + minute / 1440 AS day, protocol, stored, duplicate"
        " FROM unnest($10::int4[], $11::int4[], $12::text[], $13::int8[], $14::int8[])"
        " AS a (tenant_id, minute, protocol, stored, duplicate)),"
        "minutes AS ("
        " INSERT INTO telemetry.protocol_minute AS c (tenant_id, minute, protocol, slot, stored, duplicate)"
        " SELECT tenant_id, minute, protocol, pg_backend_pid() % 64, stored, duplicate FROM arrival ORDER BY 1, 2, 3"
        " ON CONFLICT (tenant_id, minute, protocol, slot) DO UPDATE"
        " SET stored = c.stored + excluded.stored, duplicate = c.duplicate + excluded.duplicate)"
        "INSERT INTO telemetry.protocol_day AS c (tenant_id, day, protocol, slot, stored, duplicate, last_at)"
        " SELECT tenant_id, day, protocol, pg_backend_pid() % 64, sum(stored), sum(duplicate), now()"
        " FROM arrival GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        " ON CONFLICT (tenant_id, day, protocol, slot) DO UPDATE SET stored = c.stored + excluded.stored,"
        " duplicate = c.duplicate + excluded.duplicate, last_at = greatest(c.last_at, excluded.last_at)";
    struct tally tally;
    const struct mark_set *marks = &store->marks;
    mark_set_reset(&store->marks);
    if (!group_tally(&tally, batches, count, &store->arena, err) || !group_mark(&store->marks, batches, count, err))
        return false;
    int32_t first = INT32_MAX, last = INT32_MIN;
    for (size_t i = 0; i < marks->count; i++) {
        first = marks->hour[i] < first ? marks->hour[i] : first;
        last = marks->hour[i] > last ? marks->hour[i] : last;
    }
    return store_run(session, sql,
               PARAMS(PARAM_INT(stream_epoch), PARAM_INT8S(tally.sequences, tally.sequence_count),
                   PARAM_INT4S(tally.sequence_tenants, tally.sequence_count),
                   PARAM_INT4S(tally.sequence_stored, tally.sequence_count),
                   PARAM_INT4S(tally.sequence_duplicate, tally.sequence_count),
                   PARAM_INT4S(marks->sensor_no, marks->count), PARAM_INT4S(marks->hour, marks->count),
                   PARAM_INT(first), PARAM_INT(last), PARAM_INT4S(tally.tenants, tally.arrivals),
                   PARAM_INT4S(tally.minutes, tally.arrivals), PARAM_TEXTS(tally.protocols, tally.arrivals),
                   PARAM_INT8S(tally.stored, tally.arrivals), PARAM_INT8S(tally.duplicate, tally.arrivals)),
               NULL, err) ||
           err_wrap(err, "accounts");
}

/* ---- rows ----------------------------------------------------------------------------------------------------------
 */

static void put_row(struct copy_writer *copy, const struct batch *batch, size_t i)
{
    const Nwims__V1__ReadingBatch *wire = batch->wire;
    copy_writer_begin_row(copy, 7);
    copy_writer_put_time(copy, batch->observed_at[i]);
    copy_writer_put_time(copy, wire->received_at);
    copy_writer_put_double(copy, wire->value[i]);
    copy_writer_put_int4(copy, wire->sensor_no[i]);
    copy_writer_put_int4(copy, wire->tenant_id);
    if (wire->n_status > 0 && wire->status[i] != 0)
        copy_writer_put_int4(copy, (int32_t)wire->status[i]);
    else
        copy_writer_put_null(copy);
    if (wire->n_flags > 0 && wire->flags[i] != 0)
        copy_writer_put_int2(copy, (int16_t)wire->flags[i]);
    else
        copy_writer_put_null(copy);
}

struct place {
    int64_t observed_at;
    int32_t sensor_no;
    uint32_t row;
    const struct batch *batch;
};

static int by_key(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->sensor_no != b->sensor_no)
        return a->sensor_no < b->sensor_no ? -1 : 1;
    return (a->observed_at > b->observed_at) - (a->observed_at < b->observed_at);
}

/* In the order of the primary key: then the index is filled run by run, and PostgreSQL, which sees rows of a sensor
 * that follow each other in the table too, splits its pages so that they stay full. */
static struct place *in_order(const struct slice *slices, size_t count, size_t rows, struct arena *arena)
{
    struct place *places = arena_alloc_array(arena, rows, sizeof *places);
    size_t at = 0;
    for (size_t s = 0; places && s < count; s++)
        for (size_t i = 0; i < slices[s].count; i++) {
            uint32_t row = slices[s].rows ? slices[s].rows[i] : (uint32_t)i;
            const struct batch *batch = slices[s].batch;
            places[at++] = (struct place){ batch->observed_at[row], batch->wire->sensor_no[row], row, batch };
        }
    if (places)
        qsort(places, rows, sizeof *places, by_key);
    return places;
}

/* Slices of one partition, straight into it: routing by the parent costs a tenth more. */
static bool copy_partition(
    struct store_session *session, const struct slice *slices, size_t count, struct arena *arena, struct err *err)
{
    AUTO(copy_writer) copy = NULL;
    int64_t rows = 0;
    size_t wanted = 0;
    for (size_t s = 0; s < count; s++)
        wanted += slices[s].count;
    const struct place *places = in_order(slices, count, wanted, arena);
    if (!places)
        return err_set(err, ERR_LIMIT, "no memory to sort %zu rows", wanted);
    if (!copy_writer_open(&copy, session, slices[0].partition->copy_sql, err))
        return err_wrap(err, "%s", slices[0].partition->name);
    for (size_t i = 0; i < wanted; i++)
        put_row(copy, places[i].batch, places[i].row);
    if (!copy_writer_finish(copy, &rows, err))
        return err_wrap(err, "%s", slices[0].partition->name);
    return rows == (int64_t)wanted || err_set(err, ERR_BUG, "COPY took %lld of %zu rows", (long long)rows, wanted);
}

static bool copy_all(struct store_session *session, const struct slices *slices, struct arena *arena, struct err *err)
{
    for (size_t begin = 0, end; begin < slices->count; begin = end) {
        for (end = begin + 1; end < slices->count && slices->items[end].partition == slices->items[begin].partition;
             end++)
            ;
        if (!copy_partition(session, slices->items + begin, end - begin, arena, err))
            return false;
        for (size_t s = begin; s < end; s++)
            slices->items[s].batch->stored += (int64_t)slices->items[s].count;
    }
    return true;
}

/* The columns of a slice as arrays: the batch's own, or a selection made in the arena. status and flags may be empty.
 */
struct columns {
    const int64_t *observed_at;
    const double *value;
    const int32_t *sensor_no;
    const uint32_t *status, *flags;
};

static bool select_rows(struct columns *columns, const struct slice *slice, struct arena *arena, struct err *err)
{
    const Nwims__V1__ReadingBatch *wire = slice->batch->wire;
    int64_t *observed_at = arena_alloc_array(arena, slice->count, sizeof *observed_at);
    double *value = arena_alloc_array(arena, slice->count, sizeof *value);
    int32_t *sensor_no = arena_alloc_array(arena, slice->count, sizeof *sensor_no);
    uint32_t *status = arena_alloc_array(arena, slice->count, sizeof *status);
    uint32_t *flags = arena_alloc_array(arena, slice->count, sizeof *flags);
    if (!observed_at || !value || !sensor_no || !status || !flags)
        return err_set(err, ERR_LIMIT, "no memory for %zu rows", slice->count);
    for (size_t i = 0; i < slice->count; i++) {
        size_t row = slice->rows[i];
        observed_at[i] = slice->batch->observed_at[row];
        value[i] = wire->value[row];
        sensor_no[i] = wire->sensor_no[row];
        status[i] = wire->n_status > 0 ? wire->status[row] : 0;
        flags[i] = wire->n_flags > 0 ? wire->flags[row] : 0;
    }
    *columns = (struct columns){ observed_at, value, sensor_no, status, flags };
    return true;
}

static bool insert_slice(struct store_session *session, const struct slice *slice, struct arena *arena, struct err *err)
{
    const Nwims__V1__ReadingBatch *wire = slice->batch->wire;
    struct columns columns = { slice->batch->observed_at, wire->value, wire->sensor_no, wire->status, wire->flags };
    int64_t stored = 0;
    if (slice->rows && !select_rows(&columns, slice, arena, err))
        return false;
    size_t status_count = slice->rows ? slice->count : wire->n_status,
           flag_count = slice->rows ? slice->count : wire->n_flags;
    if (!store_run(session, slice->partition->insert_sql,
            PARAMS(PARAM_TIMES(columns.observed_at, slice->count), PARAM_DOUBLES(columns.value, slice->count),
                PARAM_INT4S(columns.sensor_no, slice->count), PARAM_INT4S(columns.status, status_count),
                PARAM_INT4S(columns.flags, flag_count), PARAM_TIME(wire->received_at), PARAM_INT(wire->tenant_id)),
            &stored, err))
        return err_wrap(err, "%s", slice->partition->name);
    slice->batch->stored += stored;
    slice->batch->duplicate += (int64_t)slice->count - stored;
    return true;
}

static bool insert_all(struct store_session *session, const struct slices *slices, struct arena *arena, struct err *err)
{
    for (size_t s = 0; s < slices->count; s++)
        if (!insert_slice(session, &slices->items[s], arena, err))
            return false;
    return true;
}

/* ---- the transaction
 * ------------------------------------------------------------------------------------------------- */

/* Partitions are made before the transaction: a lock on the parent must not wait for readings. */
static bool prepare_slices(struct group_store *store, struct store_session *session, struct slices *slices,
    struct batch *batches, size_t count, struct err *err)
{
    int64_t missing_at = 0;
    for (int i = 0; i < MOST_PARTITIONS_MADE; i++) {
        arena_reset(&store->arena);
        if (group_slice(slices, batches, count, &store->partitions, &store->arena, &missing_at, err))
            return true;
        if (err->kind != ERR_NOT_FOUND ||
            !partition_make(&store->partitions, session, missing_at, store->partition_days, err))
            return false;
    }
    return err_set(err, ERR_BUG, "partitions are missing however many are made");
}

/* Many may copy at once, one may be careful. */
static bool take_turn(struct store_session *session, enum group_way way, struct err *err)
{
    if (way == GROUP_CAREFUL)
        return store_lock(session, "telemetry.readings", err);
    return store_run(session, "SELECT pg_advisory_xact_lock_shared(hashtextextended('telemetry.readings', 0))",
        NO_PARAMS, NULL, err);
}

static bool put_rows(struct group_store *store, struct store_session *session, const struct slices *slices,
    enum group_way way, struct err *err)
{
    return way == GROUP_COPY ? copy_all(session, slices, &store->arena, err)
                             : insert_all(session, slices, &store->arena, err);
}

bool group_commit(struct group_store *store, struct store_session *session, int64_t stream_epoch, struct batch *batches,
    size_t count, enum group_way way, struct err *err)
{
    struct slices slices;
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++)
        if (!batches[i].is_committed) {
            batches[i].stored = batches[i].duplicate = 0;
            wanted++;
        }
    if (!prepare_slices(store, session, &slices, batches, count, err))
        return false;
    if (wanted == 0)
        return true;
    bool ok =
        store_begin(session, 0, err) && take_turn(session, way, err) && put_rows(store, session, &slices, way, err) &&
        put_accounts(store, session, stream_epoch, batches, count, err) &&
        sequence_store_put(session, stream_epoch, batches, count, &store->arena, err) && store_commit(session, err);
    if (!ok)
        store_rollback(session);
    return ok;
}
