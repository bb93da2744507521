#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "readings_store.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { USUAL_PAGE = 1000, LARGEST_PAGE = 10000, MOST_SENSORS = 1000, MOST_LOOKED_AT = 2000000, CURSOR_SIZE = 48 };

/* A cursor is the time and sensor of the last reading, in hex so that nobody is tempted to make one. */
static bool read_cursor(struct rpc_call *call, const char *cursor, struct readings_range *range, struct err *err)
{
    char text[CURSOR_SIZE + 1] = "";
    size_t length = strlen(cursor) / 2;
    int64_t after_us = 0, sensor = 0;
    bool is_ours =
        length > 0 && length <= CURSOR_SIZE && text_from_hex((unsigned char *)text, length, cursor, strlen(cursor));
    const char *space = is_ours ? strchr(text, ' ') : NULL;
    if (!space || !number_parse_int(text, (size_t)(space - text), &after_us) ||
        !number_parse_int(space + 1, length - (size_t)(space + 1 - text), &sensor) || sensor < 1 || sensor > INT32_MAX)
        return rpc_violation(call, err, "cursor", "is none of ours: use next_cursor of the page before");
    range->after_us = history_time(after_us);
    range->after_sensor = (int32_t)sensor;
    return true;
}

static bool read_range(
    struct rpc_call *call, const Nwims__V1__ReadingsRequest *request, struct readings_range *range, struct err *err)
{
    int64_t to_us = history_time(request->has_to_at ? request->to_at : clock_now_us() + HISTORY_HOUR_US);
    *range = (struct readings_range){ .time = {
                                          .from_us = history_time(
                                              request->has_from_at ? request->from_at : to_us - HISTORY_DAY_US),
                                          .to_us = to_us,
                                          .limit = request->has_limit ? request->limit : USUAL_PAGE,
                                          .is_descending = !request->order || strcmp(request->order, "asc") != 0,
                                      } };
    if (range->time.limit < 1 || range->time.limit > LARGEST_PAGE)
        return rpc_violation(call, err, "limit", "must be between 1 and %d", LARGEST_PAGE);
    if (range->time.from_us > range->time.to_us)
        return rpc_violation(call, err, "from_at", "is after to_at");
    return !request->cursor || read_cursor(call, request->cursor, range, err);
}

static bool add_cursor(struct rpc_call *call, const struct readings_range *range, int32_t last_sensor,
    Nwims__V1__SeriesReply *reply, struct err *err)
{
    char text[CURSOR_SIZE];
    if ((int64_t)reply->n_items < range->time.limit)
        return true;
    int length =
        snprintf(text, sizeof text, "%" PRId64 " %" PRId32, reply->items[reply->n_items - 1]->observed_at, last_sensor);
    reply->next_cursor = arena_alloc(call->arena, 2 * (size_t)length + 1);
    if (!reply->next_cursor)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    text_hex(reply->next_cursor, (const unsigned char *)text, (size_t)length);
    return true;
}

bool readings_list(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__ReadingsRequest *request = input;
    const struct sensor_filter filter = { request->municipality_id, request->zone_id, request->kind };
    struct readings_range range;
    struct chosen chosen;
    int32_t last_sensor = 0;
    AUTO(store_session) session = NULL;
    if (!read_range(call, request, &range, err) ||
        !chosen_read(&chosen, context, call, request->sensor_id, request->n_sensor_id, &filter, MOST_SENSORS, err))
        return false;
    if ((int64_t)chosen.count * range.time.limit > MOST_LOOKED_AT)
        return rpc_violation(
            call, err, "limit", "at most %d for so many sensors", (int)(MOST_LOOKED_AT / chosen.count));
    return history_begin(context, call, &session, err) &&
           readings_store_read(session, call, &chosen, &range, output, &last_sensor, err) &&
           store_commit(session, err) && add_cursor(call, &range, last_sensor, output, err);
}
