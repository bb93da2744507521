#include "group.h"
#include <stdlib.h>
#include <string.h>

bool group_init(struct group *group, size_t arena_bytes, struct err *err)
{
    *group = (struct group){ .batches = calloc(GROUP_MOST_MESSAGES, sizeof *group->batches) };
    arena_init(&group->arena, arena_bytes);
    return group->batches || err_set(err, ERR_TRANSIENT, "no memory for a group of messages");
}

void group_done(struct group *group)
{
    free(group->batches);
    group->batches = NULL;
    arena_done(&group->arena);
}

void group_reset(struct group *group)
{
    group->count = 0;
    group->rows = 0;
    group->newest_sequence = 0;
    arena_reset(&group->arena);
}

static bool is_full(struct err *err)
{
    return err_set(err, ERR_LIMIT, "no memory left to sort out a group");
}

/* ---- slices ---------------------------------------------------------------------------------------------------- */

struct slicer {
    struct slice *items;
    size_t count, capacity;
    struct arena *arena;
};

static bool put_slice(struct slicer *slicer, struct slice slice, struct err *err)
{
    if (slicer->count == slicer->capacity) {
        size_t wanted = slicer->capacity * 2;
        struct slice *grown = arena_alloc_array(slicer->arena, wanted, sizeof *grown);
        if (!grown)
            return is_full(err);
        for (size_t i = 0; i < slicer->count; i++)
            grown[i] = slicer->items[i];
        slicer->items = grown;
        slicer->capacity = wanted;
    }
    slicer->items[slicer->count++] = slice;
    return true;
}

static bool is_missing(int64_t at, int64_t *out_missing_at, struct err *err)
{
    *out_missing_at = at;
    return err_set(err, ERR_NOT_FOUND, "no partition for a reading");
}

/* The few batches that reach over several partitions: rows are counted by partition, then placed, as in a counting
 * sort. runs[i] is the slice that row i belongs to, relative to the first of this batch. */
static bool slice_rows(struct slicer *slicer, struct batch *batch, const struct partition_list *partitions,
    int64_t *out_missing_at, struct err *err)
{
    size_t first = slicer->count;
    uint32_t *runs = arena_alloc_array(slicer->arena, batch->count, sizeof *runs);
    uint32_t *rows = arena_alloc_array(slicer->arena, batch->count, sizeof *rows);
    size_t at = first;
    if (!runs || !rows)
        return is_full(err);
    for (size_t i = 0; i < batch->count; i++) {
        const struct partition *hit = at < slicer->count ? slicer->items[at].partition : NULL;
        if (!hit || batch->observed_at[i] < hit->from_at || batch->observed_at[i] >= hit->to_at) {
            hit = partition_list_find(partitions, batch->observed_at[i]);
            if (!hit)
                return is_missing(batch->observed_at[i], out_missing_at, err);
            for (at = first; at < slicer->count && slicer->items[at].partition != hit; at++)
                ;
            if (at == slicer->count && !put_slice(slicer, (struct slice){ .partition = hit, .batch = batch }, err))
                return false;
        }
        slicer->items[at].count++;
        runs[i] = (uint32_t)(at - first);
    }
    uint32_t *places = arena_alloc_array(slicer->arena, slicer->count - first, sizeof *places);
    if (!places)
        return is_full(err);
    uint32_t begin = 0;
    for (size_t s = first; s < slicer->count; s++) {
        slicer->items[s].rows = rows + begin;
        places[s - first] = begin;
        begin += (uint32_t)slicer->items[s].count;
    }
    for (size_t i = 0; i < batch->count; i++)
        rows[places[runs[i]]++] = (uint32_t)i;
    return true;
}

static bool slice_batch(struct slicer *slicer, struct batch *batch, const struct partition_list *partitions,
    int64_t *out_missing_at, struct err *err)
{
    const struct partition *oldest = partition_list_find(partitions, batch->oldest_at);
    if (!oldest)
        return is_missing(batch->oldest_at, out_missing_at, err);
    if (batch->newest_at < oldest->to_at)
        return put_slice(slicer, (struct slice){ .partition = oldest, .batch = batch, .count = batch->count }, err);
    return slice_rows(slicer, batch, partitions, out_missing_at, err);
}

/* By time, so that all writers fill partitions in the same order; batches are in one array, so their addresses tell
 * which came first. */
static int by_partition(const void *left, const void *right)
{
    const struct slice *a = left, *b = right;
    if (a->partition != b->partition)
        return a->partition->from_at < b->partition->from_at ? -1 : 1;
    return (a->batch > b->batch) - (a->batch < b->batch);
}

bool group_slice(struct slices *out_slices, struct batch *batches, size_t count,
    const struct partition_list *partitions, struct arena *arena, int64_t *out_missing_at, struct err *err)
{
    struct slicer slicer = { .arena = arena, .capacity = count > 0 ? count : 1 };
    slicer.items = arena_alloc_array(arena, slicer.capacity, sizeof *slicer.items);
    if (!slicer.items)
        return is_full(err);
    for (size_t i = 0; i < count; i++)
        if (!batches[i].is_committed && batches[i].count > 0 &&
            !slice_batch(&slicer, &batches[i], partitions, out_missing_at, err))
            return false;
    bool is_mixed = false;
    for (size_t i = 1; i < slicer.count; i++)
        is_mixed = is_mixed || slicer.items[i].partition != slicer.items[0].partition;
    if (is_mixed)
        qsort(slicer.items, slicer.count, sizeof *slicer.items, by_partition);
    *out_slices = (struct slices){ .items = slicer.items, .count = slicer.count };
    return true;
}

/* ---- what follows from the rows ------------------------------------------------------------------------------------
 */

bool group_mark(struct mark_set *marks, const struct batch *batches, size_t count, struct err *err)
{
    for (size_t b = 0; b < count; b++) {
        const struct batch *batch = &batches[b];
        if (batch->is_committed || batch->stored == 0)
            continue;
        for (size_t i = 0; i < batch->count; i++)
            if (!mark_set_put(marks, batch->wire->sensor_no[i], (int32_t)(batch->observed_at[i] / HOUR_US), err))
                return false;
    }
    return true;
}

static void count_arrivals(struct tally *tally, const struct batch *batch)
{
    const Nwims__V1__Provenance *provenance = batch->wire->provenance;
    const char *protocol = provenance && provenance->protocol ? provenance->protocol : "";
    int32_t minute = (int32_t)(batch->wire->received_at / MINUTE_US);
    size_t at = tally->arrivals; /* from the newest: messages of a tenant tend to follow each other */
    while (at > 0 && (tally->tenants[at - 1] != batch->wire->tenant_id || tally->minutes[at - 1] != minute ||
                         strcmp(tally->protocols[at - 1], protocol) != 0))
        at--;
    if (at == 0) {
        at = ++tally->arrivals;
        tally->tenants[at - 1] = batch->wire->tenant_id;
        tally->minutes[at - 1] = minute;
        tally->protocols[at - 1] = protocol;
    }
    tally->stored[at - 1] += batch->stored;
    tally->duplicate[at - 1] += batch->duplicate;
}

bool group_tally(
    struct tally *out_tally, const struct batch *batches, size_t count, struct arena *arena, struct err *err)
{
    struct tally tally = {
        .sequences = arena_alloc_array(arena, count, sizeof *tally.sequences),
        .sequence_tenants = arena_alloc_array(arena, count, sizeof *tally.sequence_tenants),
        .sequence_stored = arena_alloc_array(arena, count, sizeof *tally.sequence_stored),
        .sequence_duplicate = arena_alloc_array(arena, count, sizeof *tally.sequence_duplicate),
        .tenants = arena_alloc_array(arena, count, sizeof *tally.tenants),
        .minutes = arena_alloc_array(arena, count, sizeof *tally.minutes),
        .protocols = arena_alloc_array(arena, count, sizeof *tally.protocols),
        .stored = arena_alloc_array(arena, count, sizeof *tally.stored),
        .duplicate = arena_alloc_array(arena, count, sizeof *tally.duplicate),
    };
    if (!tally.sequences || !tally.sequence_tenants || !tally.sequence_stored || !tally.sequence_duplicate ||
        !tally.tenants || !tally.minutes || !tally.protocols || !tally.stored || !tally.duplicate)
        return is_full(err);
    for (size_t i = 0; i < count; i++) {
        if (batches[i].is_committed)
            continue;
        size_t at = tally.sequence_count++;
        tally.sequences[at] = (int64_t)batches[i].sequence;
        tally.sequence_tenants[at] = batches[i].wire->tenant_id;
        tally.sequence_stored[at] = (int32_t)batches[i].stored;
        tally.sequence_duplicate[at] = (int32_t)batches[i].duplicate;
        count_arrivals(&tally, &batches[i]);
    }
    *out_tally = tally;
    return true;
}
