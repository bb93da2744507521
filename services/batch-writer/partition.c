#include "partition.h"
#include "batch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Bounds our memory should a catalogue be absurd: two hundred years of days. */
enum { MOST_PARTITIONS = 80000 };

void partition_list_init(struct partition_list *list)
{
    *list = (struct partition_list){ 0 };
}

void partition_list_done(struct partition_list *list)
{
    for (size_t i = 0; i < list->known_count; i++)
        free(list->known[i]);
    free(list->known);
    free(list->items);
    partition_list_init(list);
}

void partition_list_clear(struct partition_list *list)
{
    list->count = 0;
}

static bool append(
    struct partition ***items, size_t *count, size_t *capacity, struct partition *partition, struct err *err)
{
    if (*count == MOST_PARTITIONS)
        return err_set(err, ERR_LIMIT, "more than %d partitions", MOST_PARTITIONS);
    if (*count == *capacity) {
        size_t wanted = *capacity ? *capacity * 2 : 64;
        struct partition **grown = realloc(*items, wanted * sizeof *grown);
        if (!grown)
            return err_set(err, ERR_TRANSIENT, "no memory for %zu partitions", wanted);
        *items = grown;
        *capacity = wanted;
    }
    (*items)[(*count)++] = partition;
    return true;
}

static struct partition *find_known(const struct partition_list *list, const char *name)
{
    for (size_t i = 0; i < list->known_count; i++)
        if (strcmp(list->known[i]->name, name) == 0)
            return list->known[i];
    return NULL;
}

static void write_statements(struct partition *partition)
{
    snprintf(partition->copy_sql, sizeof partition->copy_sql,
        "COPY telemetry.%s (observed_at, received_at, value, sensor_no, tenant_id, status, flags) FROM STDIN (FORMAT "
        "binary)",
        partition->name);
    /* Columns of status or flags that are not there unnest to null. */
    snprintf(partition->insert_sql, sizeof partition->insert_sql,
        "INSERT INTO telemetry.%s (observed_at, received_at, value, sensor_no, tenant_id, status, flags) "
        "SELECT r.at, $6::timestamptz, r.value, r.sensor_no, $7::int4, nullif(r.status, 0), nullif(r.flags, 0)::int2 "
        "FROM unnest($1::timestamptz[], $2::float8[], $3::int4[], $4::int4[], $5::int4[]) "
        "AS r (at, value, sensor_no, status, flags) ON CONFLICT DO NOTHING",
        partition->name);
}

static bool know(struct partition_list *list, const char *name, struct partition **out_partition, struct err *err)
{
    struct partition *partition = find_known(list, name);
    if (partition) {
        *out_partition = partition;
        return true;
    }
    if (strlen(name) >= sizeof partition->name)
        return err_set(err, ERR_BUG, "partition %s: the name is too long", name);
    partition = calloc(1, sizeof *partition);
    if (!partition)
        return err_set(err, ERR_TRANSIENT, "no memory for a partition");
    snprintf(partition->name, sizeof partition->name, "%s", name);
    if (!append(&list->known, &list->known_count, &list->known_capacity, partition, err)) {
        free(partition);
        return false;
    }
    write_statements(partition);
    *out_partition = partition;
    return true;
}

bool partition_list_put(struct partition_list *list, const char *name, int64_t from_at, int64_t to_at, struct err *err)
{
    struct partition *partition = NULL;
    if (from_at >= to_at || (list->count > 0 && list->items[list->count - 1]->to_at > from_at))
        return err_set(err, ERR_BUG, "partition %s is out of order", name);
    if (!know(list, name, &partition, err))
        return false;
    partition->from_at = from_at;
    partition->to_at = to_at;
    return append(&list->items, &list->count, &list->capacity, partition, err);
}

/* How many partitions begin at or before this time. */
static size_t count_begun(const struct partition_list *list, int64_t at)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle]->from_at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct partition *partition_list_find(const struct partition_list *list, int64_t at)
{
    size_t begun = count_begun(list, at);
    return begun > 0 && at < list->items[begun - 1]->to_at ? list->items[begun - 1] : NULL;
}

struct partition_bounds partition_bounds_new(const struct partition_list *list, int64_t at, int64_t days)
{
    int64_t width = days * DAY_US;
    int64_t into = at % width;
    struct partition_bounds bounds;
    bounds.from_at = at - (into < 0 ? into + width : into);
    bounds.to_at = bounds.from_at + width;
    size_t begun = count_begun(list, at);
    if (begun > 0 && list->items[begun - 1]->to_at > bounds.from_at)
        bounds.from_at = list->items[begun - 1]->to_at;
    if (begun < list->count && list->items[begun]->from_at < bounds.to_at)
        bounds.to_at = list->items[begun]->from_at;
    return bounds;
}

void partition_name(char name[PARTITION_NAME_SIZE], int64_t from_at, int try)
{
    time_t seconds = (time_t)(from_at / MICROSECONDS);
    struct tm day;
    gmtime_r(&seconds, &day);
    int length =
        snprintf(name, PARTITION_NAME_SIZE, "reading_%04d%02d%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
    if (try > 0)
        snprintf(name + length, PARTITION_NAME_SIZE - (size_t)length, "_%d", try);
}
