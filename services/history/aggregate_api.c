#include "aggregate_store.h"
#include "chosen.h"
#include <assert.h>
#include <string.h>

enum { MOST_WINDOWS = 20000, MOST_SENSORS = 200, MOST_WINDOWS_OF_ALL = 1000000 };

/* Windows are whole: the range grows to their boundaries. */
static bool read_range(
    struct rpc_call *call, const Nwims__V1__AggregateRequest *request, struct aggregate_range *range, struct err *err)
{
    const char *window = request->window ? request->window : "";
    range->width_us = strcmp(window, "1m") == 0   ? 60 * (int64_t)1000000
                      : strcmp(window, "1h") == 0 ? HISTORY_HOUR_US
                      : strcmp(window, "1d") == 0 ? HISTORY_DAY_US
                                                  : 0;
    if (range->width_us == 0)
        return rpc_violation(call, err, "window", "must be 1m, 1h or 1d");
    if (!request->has_from_at || !request->has_to_at || request->from_at < 0)
        return rpc_violation(call, err, "from_at", "from_at and to_at are required and lie after 1970");
    if (request->from_at >= request->to_at)
        return rpc_violation(call, err, "to_at", "must be after from_at");
    range->from_us = history_time(request->from_at) / range->width_us * range->width_us;
    range->to_us = (history_time(request->to_at) - 1) / range->width_us * range->width_us + range->width_us;
    if ((range->to_us - range->from_us) / range->width_us > MOST_WINDOWS)
        return rpc_violation(
            call, err, "to_at", "more than %d windows: take a wider window or a shorter range", MOST_WINDOWS);
    return true;
}

/* One window of several sensors' windows of the same time; which value of them all is the last is not known. */
static void merge_into(Nwims__V1__Window *sum, const Nwims__V1__Window *window)
{
    if (sum->count == 0) {
        *sum = *window;
        sum->has_last = false;
        return;
    }
    sum->count += window->count;
    sum->min = window->min < sum->min ? window->min : sum->min;
    sum->max = window->max > sum->max ? window->max : sum->max;
    sum->sum += window->sum;
    sum->avg = sum->sum / (double)sum->count;
}

/* By place in the range, so that nothing has to be sorted. */
static bool merge_all(struct store_session *session, struct rpc_call *call, const struct chosen *chosen,
    const struct aggregate_range *range, Nwims__V1__AggregateReply *reply, struct err *err)
{
    size_t places = (size_t)((range->to_us - range->from_us) / range->width_us);
    Nwims__V1__Window *sums = arena_alloc_array(call->arena, places, sizeof *sums);
    reply->items = arena_alloc_array(call->arena, places, sizeof *reply->items);
    if (!sums || !reply->items)
        return err_set(err, ERR_LIMIT, "no memory left for this call: ask for less at a time");
    for (size_t i = 0; i < chosen->count; i++) {
        Nwims__V1__AggregateReply one = NWIMS__V1__AGGREGATE_REPLY__INIT;
        if (!aggregate_store_read(session, call, &chosen->sensors[i], range, &one, err))
            return false;
        for (size_t w = 0; w < one.n_items; w++)
            merge_into(&sums[(one.items[w]->start_at - range->from_us) / range->width_us], one.items[w]);
    }
    for (size_t place = 0; place < places; place++)
        if (sums[place].count > 0)
            reply->items[reply->n_items++] = &sums[place];
    return true;
}

/* Bars and metres have no sum. */
static bool have_one_unit(struct rpc_call *call, const struct chosen *chosen, struct err *err)
{
    for (size_t i = 1; i < chosen->count; i++)
        if (chosen->sensors[i].unit != chosen->sensors[0].unit)
            return rpc_violation(call, err, "kind", "these sensors have several units: %s and %s, for example",
                unit_code(chosen->sensors[0].unit), unit_code(chosen->sensors[i].unit));
    return true;
}

static bool aggregate_many(struct history *history, struct rpc_call *call, const Nwims__V1__AggregateRequest *request,
    const struct aggregate_range *range, Nwims__V1__AggregateReply *reply, struct err *err)
{
    const struct sensor_filter filter = { request->municipality_id, request->zone_id, request->kind };
    struct chosen chosen;
    size_t count = request->n_sensor_ids + (request->sensor_id != NULL);
    AUTO(store_session) session = NULL;
    char **names = arena_alloc_array(call->arena, count, sizeof *names);
    if (!names)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    for (size_t i = 0; i < request->n_sensor_ids; i++)
        names[i] = request->sensor_ids[i];
    if (request->sensor_id)
        names[count - 1] = request->sensor_id;
    if (!chosen_read(&chosen, history, call, names, count, &filter, MOST_SENSORS, err) ||
        !have_one_unit(call, &chosen, err))
        return false;
    assert(range->width_us > 0);
    if ((range->to_us - range->from_us) / range->width_us * (int64_t)chosen.count > MOST_WINDOWS_OF_ALL)
        return rpc_violation(call, err, "window", "too many for so many sensors: take a wider one or a shorter range");
    if (chosen.count > 0)
        reply->unit = arena_text(call->arena, unit_code(chosen.sensors[0].unit));
    reply->has_sensors = true;
    reply->sensors = (int32_t)chosen.count;
    return history_begin(history, call, &session, err) && merge_all(session, call, &chosen, range, reply, err) &&
           store_commit(session, err);
}

bool aggregate_get(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__AggregateRequest *request = input;
    Nwims__V1__AggregateReply *reply = output;
    struct directory_sensor sensor;
    struct aggregate_range range = { 0 };
    AUTO(store_session) session = NULL;
    if (!read_range(call, request, &range, err))
        return false;
    if (!request->sensor_id || request->n_sensor_ids > 0 || request->zone_id || request->municipality_id ||
        request->kind)
        return aggregate_many(context, call, request, &range, reply, err);
    if (!history_sensor(context, call, request->sensor_id, &sensor, err))
        return false;
    reply->sensor_id = arena_text(call->arena, sensor.code);
    reply->unit = arena_text(call->arena, unit_code(sensor.unit));
    return history_begin(context, call, &session, err) &&
           aggregate_store_read(session, call, &sensor, &range, reply, err) && store_commit(session, err);
}
