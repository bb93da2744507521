/* The messages that one transaction stores, and how their rows spread over partitions, hours and tenants. No I/O. One
 * thread. */
#pragma once
#include "batch.h"
#include "mark_set.h"
#include "partition.h"

/* A bound for messages of one reading each; the bound by rows is a setting. */
enum { GROUP_MOST_MESSAGES = 4096 };

struct group {
    struct batch *batches; /* GROUP_MOST_MESSAGES of them */
    size_t count;
    size_t rows;
    uint64_t newest_sequence; /* of them */
    struct arena arena;       /* what the batches point to */
};

MUST_CHECK bool group_init(struct group *group, size_t arena_bytes, struct err *err);
void group_done(struct group *group);
/* Forgets the messages, which the caller has closed. */
void group_reset(struct group *group);

/* Rows of one batch that belong to one partition. */
struct slice {
    const struct partition *partition;
    struct batch *batch;
    const uint32_t *rows; /* NULL: all of the batch */
    size_t count;
};
struct slices {
    struct slice *items; /* by partition, then as the batches came */
    size_t count;
};
/* Splits what is not committed yet; everything lives in the arena. When a partition is missing, *out_missing_at is a
 * time in it and the result false with ERR_NOT_FOUND; ERR_LIMIT when the arena is full. */
MUST_CHECK bool group_slice(struct slices *out_slices, struct batch *batches, size_t count,
    const struct partition_list *partitions, struct arena *arena, int64_t *out_missing_at, struct err *err);

/* The hours that the rows of the batches not committed earlier touch. */
MUST_CHECK bool group_mark(struct mark_set *marks, const struct batch *batches, size_t count, struct err *err);

/* What to add to the counts of tenants and to the ledger: parallel arrays in the arena, for unnest. */
struct tally {
    int64_t *sequences;
    int32_t *sequence_tenants, *sequence_stored, *sequence_duplicate;
    size_t sequence_count;
    int32_t *tenants, *minutes; /* minutes since 1970 in which the readings came in */
    const char **protocols;
    int64_t *stored, *duplicate;
    size_t arrivals;
};
MUST_CHECK bool group_tally(
    struct tally *out_tally, const struct batch *batches, size_t count, struct arena *arena, struct err *err);
