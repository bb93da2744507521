#include "gaps_store.h"
#include "base/uuid.h"
#include "row.h"
#include <string.h>

enum { MOST_RANGES = 16 };

/* The columns are signed: a device whose numbers go beyond is shown the highest that there is. */
static int64_t shown(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static bool is_sound(const Nwims__V1__DeviceGaps *event)
{
    struct uuid uuid;
    return event->tenant_id > 0 && event->device_id && event->at > 0 && event->n_missing <= MOST_RANGES &&
           uuid_parse(event->device_id, strlen(event->device_id), &uuid);
}

static bool write_row(struct store_session *session, const Nwims__V1__DeviceGaps *event, struct err *err)
{
    static const char sql[] =
        "INSERT INTO device_gaps AS g (tenant_id, device_id, told_at, firsts, lasts, late, forgotten) SELECT $1::int4, "
        "d.id, $3::timestamptz, $4::int8[], $5::int8[], $6, $7 FROM device d WHERE d.tenant_id = $1::int4 AND d.id = "
        "$2::uuid ON CONFLICT (tenant_id, device_id) DO UPDATE SET told_at = EXCLUDED.told_at, firsts = "
        "EXCLUDED.firsts, lasts = EXCLUDED.lasts, late = EXCLUDED.late, forgotten = EXCLUDED.forgotten WHERE g.told_at "
        "< EXCLUDED.told_at";
    int64_t firsts[MOST_RANGES + 1] = { 0 }, lasts[MOST_RANGES + 1] = { 0 };
    for (size_t i = 0; i < event->n_missing; i++) {
        firsts[i] = shown(event->missing[i]->first);
        lasts[i] = shown(event->missing[i]->last);
    }
    return store_run(session, sql,
        PARAMS(PARAM_INT(event->tenant_id), PARAM_TEXT(event->device_id), PARAM_TIME(event->at),
            PARAM_INT8S(firsts, event->n_missing), PARAM_INT8S(lasts, event->n_missing), PARAM_INT(shown(event->late)),
            PARAM_INT(shown(event->forgotten))),
        NULL, err);
}

bool gaps_store_take(
    struct registry *registry, const Nwims__V1__DeviceGaps *const *events, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(store_session) session = NULL;
        if (is_sound(events[i]) &&
            !(store_session_open(&session, registry->store, err) && store_begin(session, events[i]->tenant_id, err) &&
                write_row(session, events[i], err) && store_commit(session, err)))
            return err_wrap(err, "gaps of a device of tenant %d", (int)events[i]->tenant_id);
    }
    return true;
}

static bool add_range(struct work *work, Nwims__V1__DeviceSequence *sequence, const struct row *row, struct err *err)
{
    int64_t first, last;
    if (!row_int(row, 3, &first) || !row_int(row, 4, &last)) /* a device that misses none has one row without */
        return true;
    Nwims__V1__SequenceRange *range =
        (Nwims__V1__SequenceRange *)wire_new(work->call->arena, &nwims__v1__sequence_range__descriptor);
    if (!range)
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    range->has_first = range->has_last = true;
    range->first = (uint64_t)first;
    range->last = (uint64_t)last;
    sequence->missing[sequence->n_missing++] = range;
    sequence->missing_records += last - first + 1;
    return true;
}

bool gaps_store_status(struct work *work, Nwims__V1__DeviceStatus *status, struct err *err)
{
    AUTO(store_result) rows = NULL;
    struct arena *arena = work->call->arena;
    if (!store_query(work->session, &rows,
            "SELECT told_at, late, forgotten, r.first, r.last FROM device_gaps LEFT JOIN LATERAL unnest(firsts, lasts) "
            "WITH ORDINALITY AS r (first, last, place) ON true WHERE tenant_id = $1 AND device_id = $2::uuid ORDER BY "
            "r.place",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(status->device_id)), err))
        return false;
    size_t count = store_result_rows(rows);
    if (count == 0)
        return true;
    Nwims__V1__DeviceSequence *sequence =
        (Nwims__V1__DeviceSequence *)wire_new(arena, &nwims__v1__device_sequence__descriptor);
    if (!sequence || !(sequence->missing = arena_alloc_array(arena, count, sizeof *sequence->missing)))
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    struct row row = { .rows = rows, .arena = arena };
    sequence->has_changed_at = row_time(&row, 0, &sequence->changed_at);
    sequence->has_late_records = row_int(&row, 1, &sequence->late_records);
    sequence->has_forgotten_records = row_int(&row, 2, &sequence->forgotten_records);
    sequence->has_missing_records = true;
    for (; row.number < count; row.number++)
        if (!add_range(work, sequence, &row, err))
            return false;
    status->sequence = sequence;
    return true;
}
