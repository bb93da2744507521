#include "base/clock.h"
#include "base/condition.h"
#include "base/text.h"
#include "ingest/sensor_list.h"
#include "live/live_internal.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_CEILING = 32 * 1024 };

/* ---- which sensors ------------------------------------------------------------------------------------------------
 */

struct sensors {
    const struct live_group *group;
    struct live_sensor *items;
    size_t count, room;
};

static void copy_text(char *target, size_t size, const char *text)
{
    if (text)
        memcpy(target, text, strnlen(text, size - 1));
}

static bool is_wanted(const struct live_group *group, const Nwims__V1__Sensor *sensor)
{
    return (!group->municipality_id || text_equal(sensor->municipality_id, group->municipality_id)) &&
           (!group->zone_id || text_equal(sensor->zone_id, group->zone_id)) &&
           (!group->kind || text_equal(sensor->kind, group->kind));
}

static bool add(void *context, const Nwims__V1__Sensor *sensor, struct err *err)
{
    struct sensors *list = context;
    /* Those that are named are not yet held against the other filters. */
    if (list->group->name_count > 0 && !is_wanted(list->group, sensor))
        return true;
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct live_sensor *items = reallocarray(list->items, room, sizeof *items);
        if (!items)
            return err_set(err, ERR_LIMIT, "no memory for the sensors to watch");
        list->items = items;
        list->room = room;
    }
    struct live_sensor *item = &list->items[list->count++];
    *item = (struct live_sensor){ .sensor_no = sensor->sensor_no };
    copy_text(item->code, sizeof item->code, sensor->code);
    copy_text(item->id, sizeof item->id, sensor->id);
    copy_text(item->unit, sizeof item->unit, sensor->unit);
    return true;
}

static bool list_named(struct sensors *list, struct err *err)
{
    const struct live_group *group = list->group;
    bool ok = true;
    for (size_t i = 0; ok && i < group->name_count; i++)
        ok = sensor_list_one(group->live->bus, &group->caller, group->names[i], add, list, err);
    return ok;
}

static bool list_all(struct sensors *list, struct err *err)
{
    const struct live_group *group = list->group;
    const struct sensor_filter filter = { group->municipality_id, group->zone_id, group->kind };
    return sensor_list_each(
        group->live->bus, &group->caller, &filter, group->live->config.most_sensors, add, list, err);
}

static int by_number(const void *left, const void *right)
{
    const struct live_sensor *a = left, *b = right;
    return (a->sensor_no > b->sensor_no) - (a->sensor_no < b->sensor_no);
}

bool live_group_load(struct live_group *group, struct err *err)
{
    struct sensors list = { .group = group };
    bool ok = group->name_count > 0 ? list_named(&list, err) : list_all(&list, err);
    if (!ok) {
        free(list.items);
        return false;
    }
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, by_number);
    pthread_mutex_lock(&group->lock);
    struct live_sensor *old = group->sensors;
    group->sensors = list.items;
    group->sensor_count = list.count;
    pthread_mutex_unlock(&group->lock);
    group->loaded_us = clock_monotonic_us();
    free(old);
    return true;
}

const struct live_sensor *live_group_sensor(const struct live_group *group, int32_t sensor_no)
{
    const struct live_sensor wanted = { .sensor_no = sensor_no };
    if (group->sensor_count == 0)
        return NULL;
    return bsearch(&wanted, group->sensors, group->sensor_count, sizeof wanted, by_number);
}

const struct live_sensor *live_group_sensor_by_id(const struct live_group *group, const char *id)
{
    for (size_t i = 0; i < group->sensor_count; i++)
        if (strcmp(group->sensors[i].id, id) == 0)
            return &group->sensors[i];
    return NULL;
}

/* ---- who shares one ------------------------------------------------------------------------------------------------
 */

/* Permissions too: they decide what the registry shows. */
static bool write_key(struct buffer *key, const struct rpc_caller *caller, const struct live_filter *filter)
{
    key->ceiling_bytes = KEY_CEILING;
    buffer_printf(key, "%" PRId32 "\n%s\n%s\n%s\n%s\n%s", caller->tenant_id, caller->permissions, caller->scope,
        filter->municipality_id ? filter->municipality_id : "", filter->zone_id ? filter->zone_id : "",
        filter->kind ? filter->kind : "");
    for (size_t i = 0; i < filter->sensor_count; i++)
        buffer_printf(key, "\n%s", filter->sensor_ids[i]);
    return buffer_ok(key);
}

static char *copied(const char *text)
{
    return text ? strdup(text) : NULL;
}

static void group_free(struct live_group *group)
{
    live_ring_free(group);
    for (size_t i = 0; i < group->name_count; i++)
        free(group->names[i]);
    free(group->municipality_id);
    free(group->zone_id);
    free(group->kind);
    free(group->key);
    free(group->sensors);
    buffer_done(&group->pending);
    pthread_mutex_destroy(&group->lock);
    pthread_cond_destroy(&group->changed);
    free(group);
}

static struct live_group *group_new(
    struct live *live, const char *key, const struct rpc_caller *caller, const struct live_filter *filter)
{
    struct live_group *group = calloc(1, sizeof *group);
    if (!group)
        return NULL;
    group->live = live;
    group->caller = *caller;
    group->caller.idempotency_key[0] = '\0';
    group->key = copied(key);
    group->municipality_id = copied(filter->municipality_id);
    group->zone_id = copied(filter->zone_id);
    group->kind = copied(filter->kind);
    bool ok = group->key && (!filter->municipality_id || group->municipality_id) &&
              (!filter->zone_id || group->zone_id) && (!filter->kind || group->kind);
    pthread_mutex_init(&group->lock, NULL);
    condition_init(&group->changed);
    buffer_init(&group->pending, 4 * EVENT_BYTES);
    for (size_t i = 0; ok && i < filter->sensor_count; i++) {
        group->names[group->name_count] = copied(filter->sensor_ids[i]);
        ok = group->names[group->name_count] != NULL;
        group->name_count += ok;
    }
    if (ok)
        return group;
    group_free(group);
    return NULL;
}

/* With live->lock held. */
static struct live_group *find(struct live *live, const char *key)
{
    struct live_group *group = live->groups;
    while (group && strcmp(group->key, key) != 0)
        group = group->next;
    return group;
}

/* A group is loaded before it is shown to others; where two make the same at once, the later takes the earlier's. */
bool live_group_join(struct live_group **out_group, struct live *live, const struct rpc_caller *caller,
    const struct live_filter *filter, struct arena *arena, struct err *err)
{
    AUTO_INPLACE(buffer) key = { 0 };
    struct live_group *made = NULL, *group;
    (void)arena;
    if (!write_key(&key, caller, filter))
        return err_set(err, ERR_LIMIT, "the filter is too long");
    pthread_mutex_lock(&live->lock);
    bool is_full = live->watchers >= live->config.most_watchers;
    group = is_full ? NULL : find(live, key.data);
    if (!is_full) {
        live->watchers++;
        if (group)
            group->watchers++;
    }
    pthread_mutex_unlock(&live->lock);
    if (is_full)
        return err_set(err, ERR_LIMIT, "as many watch already as can be served");
    if (group) {
        *out_group = group;
        return true;
    }
    made = group_new(live, key.data, caller, filter);
    bool ok = made ? live_group_load(made, err) : err_set(err, ERR_LIMIT, "no memory for a group of watchers");
    pthread_mutex_lock(&live->lock);
    group = ok ? find(live, key.data) : NULL;
    if (ok && !group) {
        group = TAKE(made);
        group->next = live->groups;
        live->groups = group;
    }
    if (group)
        group->watchers++;
    else
        live->watchers--;
    pthread_mutex_unlock(&live->lock);
    if (made)
        group_free(made);
    *out_group = group;
    return ok;
}

void live_group_leave(struct live_group *group)
{
    struct live *live = group->live;
    struct live_group **link = &live->groups;
    pthread_mutex_lock(&live->lock);
    live->watchers--;
    bool is_last = --group->watchers == 0;
    if (is_last) {
        while (*link != group)
            link = &(*link)->next;
        *link = group->next;
    }
    pthread_mutex_unlock(&live->lock);
    if (is_last)
        group_free(group);
}
