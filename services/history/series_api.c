#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "series_store.h"
#include <inttypes.h>
#include <string.h>

enum { USUAL_PAGE = 1000, LARGEST_PAGE = 10000, MOST_SENSORS = 1000 };
#define YEAR_US (366 * HISTORY_DAY_US)

/* A cursor is the time to go on from, in hex so that nobody is tempted to make one. */
static bool read_cursor(struct rpc_call *call, const char *cursor, struct series_range *range, struct err *err)
{
    unsigned char text[24];
    int64_t at_us;
    size_t length = strlen(cursor) / 2;
    if (length == 0 || length >= sizeof text || !text_from_hex(text, length, cursor, strlen(cursor)) ||
        !number_parse_int((const char *)text, length, &at_us))
        return rpc_violation(call, err, "cursor", "is none of ours: use next_cursor of the page before");
    if (range->is_descending && at_us < range->to_us)
        range->to_us = at_us;
    if (!range->is_descending && at_us > range->from_us)
        range->from_us = at_us;
    return true;
}

static bool read_range(
    struct rpc_call *call, const Nwims__V1__SeriesRequest *request, struct series_range *range, struct err *err)
{
    *range = (struct series_range){ .from_us = request->has_from_at ? history_time(request->from_at) : 0,
        .to_us = request->has_to_at ? history_time(request->to_at) : clock_now_us() + YEAR_US,
        .limit = request->has_limit ? request->limit : USUAL_PAGE,
        .is_descending = !request->order || strcmp(request->order, "asc") != 0 };
    if (range->limit < 1 || range->limit > LARGEST_PAGE)
        return rpc_violation(call, err, "limit", "must be between 1 and %d", LARGEST_PAGE);
    if (range->from_us > range->to_us)
        return rpc_violation(call, err, "from_at", "is after to_at");
    return !request->cursor || read_cursor(call, request->cursor, range, err);
}

static bool add_cursor(
    struct rpc_call *call, const struct series_range *range, Nwims__V1__SeriesReply *reply, struct err *err)
{
    if ((int64_t)reply->n_items < range->limit)
        return true;
    int64_t last_us = reply->items[reply->n_items - 1]->observed_at;
    char *text = arena_printf(call->arena, "%" PRId64, range->is_descending ? last_us : last_us + 1);
    char *cursor = text ? arena_alloc(call->arena, 2 * strlen(text) + 1) : NULL;
    if (!cursor)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    text_hex(cursor, (const unsigned char *)text, strlen(text));
    reply->next_cursor = cursor;
    return true;
}

bool series_get(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__SeriesRequest *request = input;
    struct directory_sensor sensor;
    struct series_range range;
    AUTO(store_session) session = NULL;
    return read_range(call, request, &range, err) && history_sensor(context, call, request->id, &sensor, err) &&
           history_begin(context, call, &session, err) &&
           series_store_read(session, call, &sensor, &range, reply, err) && store_commit(session, err) &&
           add_cursor(call, &range, reply, err);
}

bool latest_get(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__ById *request = input;
    Nwims__V1__Reading *reply = output;
    Nwims__V1__LatestReply found = NWIMS__V1__LATEST_REPLY__INIT;
    struct directory_sensor sensor;
    AUTO(store_session) session = NULL;
    if (!history_sensor(context, call, request->id, &sensor, err) || !history_begin(context, call, &session, err) ||
        !series_store_latest(session, call, &sensor, 1, &found, err) || !store_commit(session, err))
        return false;
    if (found.n_items == 0)
        return err_set(err, ERR_NOT_FOUND, "the sensor %s has no reading yet", sensor.code);
    *reply = *found.items[0];
    return true;
}

bool latest_get_many(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__LatestRequest *request = input;
    struct history *history = context;
    size_t known = 0;
    AUTO(store_session) session = NULL;
    if (request->n_sensor_ids > MOST_SENSORS)
        return rpc_violation(call, err, "sensor_ids", "has more than %d", MOST_SENSORS);
    struct directory_name *names = arena_alloc_array(call->arena, request->n_sensor_ids, sizeof *names);
    struct directory_sensor *sensors = arena_alloc_array(call->arena, request->n_sensor_ids, sizeof *sensors);
    if (!names || !sensors)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    for (size_t i = 0; i < request->n_sensor_ids; i++)
        names[i] = (struct directory_name){ .text = request->sensor_ids[i], .length = strlen(request->sensor_ids[i]) };
    if (!directory_sensors(history->directory, call->caller, names, request->n_sensor_ids, sensors, call->arena, err))
        return false;
    for (size_t i = 0; i < request->n_sensor_ids; i++)
        if (sensors[i].sensor_no > 0)
            sensors[known++] = sensors[i];
    return history_begin(context, call, &session, err) &&
           series_store_latest(session, call, sensors, known, reply, err) && store_commit(session, err);
}
