#include "chosen.h"
#include <stdlib.h>
#include <string.h>

struct choosing {
    struct chosen *chosen;
    size_t room;
};

static bool take(void *context, const Nwims__V1__Sensor *sensor, struct err *err)
{
    struct choosing *choosing = context;
    if (choosing->chosen->count == choosing->room)
        return err_set(err, ERR_BUG, "the registry listed more sensors than asked for");
    struct directory_sensor *item = &choosing->chosen->sensors[choosing->chosen->count++];
    *item = (struct directory_sensor){ .sensor_no = sensor->sensor_no,
        .unit = sensor->unit ? unit_find(sensor->unit, strlen(sensor->unit)) : NULL };
    if (sensor->code)
        memcpy(item->code, sensor->code, strnlen(sensor->code, sizeof item->code - 1));
    return true;
}

static bool by_filter(struct choosing *choosing, struct history *history, struct rpc_call *call,
    const struct sensor_filter *filter, struct err *err)
{
    struct err why = { 0 };
    if (sensor_list_each(history->bus, call->caller, filter, choosing->room, take, choosing, &why))
        return true;
    if (why.kind == ERR_INPUT)
        return rpc_violation(call, err, "zone_id", "%s", why.text);
    *err = why;
    return false;
}

static bool by_name(struct choosing *choosing, struct history *history, struct rpc_call *call, char **names,
    size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct directory_sensor *sensor = &choosing->chosen->sensors[i];
        if (!history_sensor(history, call, names[i], sensor, err))
            return false;
    }
    choosing->chosen->count = count;
    return true;
}

static int by_number(const void *left, const void *right)
{
    const struct directory_sensor *a = left, *b = right;
    return (a->sensor_no > b->sensor_no) - (a->sensor_no < b->sensor_no);
}

static void sort_and_merge(struct chosen *chosen)
{
    size_t kept = 0;
    if (chosen->count == 0)
        return;
    qsort(chosen->sensors, chosen->count, sizeof *chosen->sensors, by_number);
    for (size_t i = 0; i < chosen->count; i++)
        if (kept == 0 || chosen->sensors[kept - 1].sensor_no != chosen->sensors[i].sensor_no)
            chosen->sensors[kept++] = chosen->sensors[i];
    chosen->count = kept;
}

bool chosen_read(struct chosen *out_chosen, struct history *history, struct rpc_call *call, char **names,
    size_t name_count, const struct sensor_filter *filter, size_t most, struct err *err)
{
    struct choosing choosing = { .chosen = out_chosen, .room = most };
    bool has_filter = filter->municipality_id || filter->zone_id || filter->kind;
    *out_chosen = (struct chosen){ 0 };
    if (name_count > most)
        return rpc_violation(call, err, "sensor_id", "may be given up to %zu times", most);
    if (name_count > 0 && has_filter)
        return rpc_violation(call, err, "sensor_id", "goes without zone_id, municipality_id and kind");
    out_chosen->sensors = arena_alloc_array(call->arena, most, sizeof *out_chosen->sensors);
    if (!out_chosen->sensors)
        return err_set(err, ERR_LIMIT, "no memory left for this call");
    bool ok = name_count > 0 ? by_name(&choosing, history, call, names, name_count, err)
                             : by_filter(&choosing, history, call, filter, err);
    if (ok)
        sort_and_merge(out_chosen);
    return ok;
}

const struct directory_sensor *chosen_find(const struct chosen *chosen, int32_t sensor_no)
{
    const struct directory_sensor wanted = { .sensor_no = sensor_no };
    if (chosen->count == 0)
        return NULL;
    return bsearch(&wanted, chosen->sensors, chosen->count, sizeof wanted, by_number);
}
