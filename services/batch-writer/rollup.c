#include "rollup.h"
#include "batch.h"
#include "store/store_timer.h"

enum {
    KEPT_MINUTES = 120,
    PRUNE_ROWS = 20000,
    PRUNE_ROUNDS = 200,
    MOST_RUNNING_ROWS = 100,
    STRAGGLERS_MS = 5 * 60 * 1000
};

/* $2 is the first hour that is not over. Rows of marks before it are taken, and when many others have gathered, those
 * too: what runs is put back as one row. Marks go and hours come in one statement, so both see the same readings: a
 * mark whose readings are not visible yet is not visible either. Hours whose readings are gone with their partition
 * keep what they were. */
static const char hours_sql[] =
    "WITH taken AS ("
    " DELETE FROM telemetry.rollup_due WHERE id IN ("
    "  SELECT id FROM (SELECT id, sum(marks) OVER (ORDER BY id) - marks AS before"
    "   FROM (SELECT id, marks FROM telemetry.rollup_due"
    "    WHERE last_hour < $2::int4 OR"
    "     (SELECT count(*) FROM telemetry.rollup_due WHERE last_hour >= $2::int4) > $3::int4"
    "    ORDER BY id LIMIT 5000) o) q WHERE before < $1::int8)"
    " RETURNING sensor_no, hour),"
    "marked AS MATERIALIZED ("
    " SELECT DISTINCT m.sensor_no, m.hour FROM taken, unnest(taken.sensor_no, taken.hour) AS m (sensor_no, hour)),"
    "touched AS (SELECT sensor_no, hour FROM marked WHERE hour < $2::int4),"
    "put_back AS ("
    " INSERT INTO telemetry.rollup_due (marks, first_hour, last_hour, sensor_no, hour)"
    " SELECT count(*), min(hour), max(hour), array_agg(sensor_no), array_agg(hour) FROM marked"
    " WHERE hour >= $2::int4 HAVING count(*) > 0),"
    "put AS ("
    " INSERT INTO telemetry.rollup_hour AS h (start_at, last_at, min, max, sum, last, sensor_no, tenant_id, count)"
    " SELECT timestamptz 'epoch' + t.hour * interval '1 hour', r.last_at, r.min, r.max, r.sum, r.last, t.sensor_no, "
    "r.tenant_id, r.count"
    " FROM touched t CROSS JOIN LATERAL ("
    "  SELECT max(observed_at) AS last_at, min(value) AS min, max(value) AS max, sum(value) AS sum,"
    "   (array_agg(value ORDER BY observed_at DESC))[1] AS last, min(tenant_id) AS tenant_id, count(*)::int4 AS count"
    "  FROM telemetry.reading WHERE sensor_no = t.sensor_no"
    "   AND observed_at >= timestamptz 'epoch' + t.hour * interval '1 hour'"
    "   AND observed_at < timestamptz 'epoch' + (t.hour + 1) * interval '1 hour') r"
    " WHERE r.count > 0"
    " ON CONFLICT (sensor_no, start_at) DO UPDATE SET last_at = excluded.last_at, min = excluded.min, max = "
    "excluded.max,"
    "  sum = excluded.sum, last = excluded.last, tenant_id = excluded.tenant_id, count = excluded.count)"
    "SELECT DISTINCT sensor_no, hour / 24 FROM touched";

static const char days_sql[] =
    "INSERT INTO telemetry.rollup_day AS d (start_at, last_at, min, max, sum, last, sensor_no, tenant_id, count)"
    " SELECT timestamptz 'epoch' + t.day * interval '24 hours', r.last_at, r.min, r.max, r.sum, r.last, t.sensor_no, "
    "r.tenant_id, r.count"
    " FROM unnest($1::int4[], $2::int4[]) AS t (sensor_no, day) CROSS JOIN LATERAL ("
    "  SELECT max(last_at) AS last_at, min(min) AS min, max(max) AS max, sum(sum) AS sum,"
    "   (array_agg(last ORDER BY start_at DESC))[1] AS last, min(tenant_id) AS tenant_id, sum(count)::int4 AS count"
    "  FROM telemetry.rollup_hour WHERE sensor_no = t.sensor_no"
    "   AND start_at >= timestamptz 'epoch' + t.day * interval '24 hours'"
    "   AND start_at < timestamptz 'epoch' + (t.day + 1) * interval '24 hours') r"
    " WHERE r.count > 0"
    " ON CONFLICT (sensor_no, start_at) DO UPDATE SET last_at = excluded.last_at, min = excluded.min, max = "
    "excluded.max,"
    "  sum = excluded.sum, last = excluded.last, tenant_id = excluded.tenant_id, count = excluded.count";

static bool put_days(
    struct store_session *session, const struct store_result *touched, struct arena *arena, struct err *err)
{
    size_t count = store_result_rows(touched);
    int32_t *sensor_no = arena_alloc_array(arena, count, sizeof *sensor_no);
    int32_t *day = arena_alloc_array(arena, count, sizeof *day);
    if (!sensor_no || !day)
        return err_set(err, ERR_LIMIT, "no memory for %zu days", count);
    for (size_t row = 0; row < count; row++) {
        sensor_no[row] = (int32_t)store_result_int(touched, row, 0);
        day[row] = (int32_t)store_result_int(touched, row, 1);
    }
    return count == 0 ||
           store_run(session, days_sql, PARAMS(PARAM_INT4S(sensor_no, count), PARAM_INT4S(day, count)), NULL, err);
}

/* Marks that wait, and whether those of hours that are over make a round of their own. */
static bool look_at_rest(struct store_session *session, int32_t running_hour, int64_t most_marks,
    struct rollup_round *round, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result,
            "SELECT coalesce(sum(marks), 0), coalesce(sum(marks) FILTER (WHERE last_hour < $1::int4), 0) "
            "FROM telemetry.rollup_due",
            PARAMS(PARAM_INT(running_hour)), err))
        return false;
    round->waiting = store_result_int(result, 0, 0);
    round->is_full = store_result_int(result, 0, 1) >= most_marks;
    return true;
}

static bool run_in_turn(struct store_session *session, int64_t now_us, int64_t most_marks, struct arena *arena,
    struct rollup_round *round, struct err *err)
{
    AUTO(store_result) touched = NULL;
    int32_t running_hour = (int32_t)((now_us - STRAGGLERS_MS * INT64_C(1000)) / HOUR_US);
    /* Compiling a plan for a few hundred index look-ups takes longer than they do. */
    if (!store_script(session, "SET LOCAL jit = off", err) ||
        !store_query(session, &touched, hours_sql,
            PARAMS(PARAM_INT(most_marks), PARAM_INT(running_hour), PARAM_INT(MOST_RUNNING_ROWS)), err))
        return err_wrap(err, "hours");
    if (!put_days(session, touched, arena, err))
        return err_wrap(err, "days");
    round->sensor_days = store_result_rows(touched);
    return look_at_rest(session, running_hour, most_marks, round, err);
}

/* No partition is attached meanwhile (partition_make holds the same lock): PostgreSQL may plan, or remember the list of
 * partitions, without one that is attached at that moment. Its marks would be taken and its readings not be seen. */
static bool begin_in_turn(struct store_session *session, bool *out_mine, struct err *err)
{
    return store_begin(session, 0, err) && store_try_lock(session, "telemetry.rollup", out_mine, err) &&
           (!*out_mine || store_lock(session, "telemetry.partition", err));
}

bool rollup_run(struct store *store, int64_t now_us, int64_t most_marks, struct arena *arena,
    struct rollup_round *out_round, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct rollup_round round = { 0 };
    arena_reset(arena);
    if (!store_session_open(&session, store, err) || !begin_in_turn(session, &round.is_mine, err))
        return err_wrap(err, "rollup");
    if (round.is_mine && (!run_in_turn(session, now_us, most_marks, arena, &round, err) || !store_commit(session, err)))
        return err_wrap(err, "rollup");
    *out_round = round;
    return true;
}

/* One short transaction; false in out_more when nothing is left or another replica is at it. */
static bool prune_some(struct store_session *session, int64_t hours, int64_t *removed, bool *out_more, struct err *err)
{
    bool is_mine = false;
    int64_t count = 0;
    if (!store_begin(session, 0, err) || !store_try_lock(session, "telemetry.ledger", &is_mine, err))
        return false;
    if (is_mine && !store_run(session,
                       "DELETE FROM telemetry.committed_message WHERE (stream_epoch, stream_sequence) IN ("
                       " SELECT stream_epoch, stream_sequence FROM telemetry.committed_message"
                       " WHERE committed_at < now() - $1::int4 * interval '1 hour' LIMIT $2::int4)",
                       PARAMS(PARAM_INT(hours), PARAM_INT(PRUNE_ROWS)), &count, err))
        return false;
    if (is_mine &&
        !store_run(session,
            "DELETE FROM telemetry.protocol_minute WHERE minute < (extract(epoch FROM now()) / 60)::int4 - $1::int4",
            PARAMS(PARAM_INT(KEPT_MINUTES)), NULL, err))
        return false;
    if (!store_commit(session, err))
        return false;
    *removed += count;
    *out_more = count == PRUNE_ROWS;
    return true;
}

bool ledger_prune(struct store *store, int64_t hours, int64_t *out_removed, struct err *err)
{
    AUTO(store_session) session = NULL;
    int64_t removed = 0;
    bool more = true;
    if (!store_session_open(&session, store, err))
        return err_wrap(err, "ledger");
    for (int round = 0; more && round < PRUNE_ROUNDS; round++)
        if (!prune_some(session, hours, &removed, &more, err))
            return err_wrap(err, "ledger");
    *out_removed = removed;
    return true;
}
