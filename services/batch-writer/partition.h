/* The partitions of telemetry.reading as one thread knows them: which one a time belongs to, and how wide a new one may
 * be. No I/O. */
#pragma once
#include "base/err.h"

enum { PARTITION_NAME_SIZE = 64 };

/* Lives as long as its list, also when the partition is gone: statements are prepared under its texts. */
struct partition {
    int64_t from_at, to_at; /* microseconds since the epoch; to_at is not in it */
    char name[PARTITION_NAME_SIZE];
    char copy_sql[192];
    char insert_sql[512];
};

struct partition_list {
    struct partition **items; /* by time */
    size_t count, capacity;
    struct partition **known; /* every one there ever was */
    size_t known_count, known_capacity;
};

void partition_list_init(struct partition_list *list);
void partition_list_done(struct partition_list *list);
/* Forgets which there are, to be put anew in order of time. */
void partition_list_clear(struct partition_list *list);
/* Appends; from_at is at or after the end of the one before, else ERR_BUG. */
MUST_CHECK bool partition_list_put(
    struct partition_list *list, const char *name, int64_t from_at, int64_t to_at, struct err *err);
/* NULL: there is none yet, as far as we know. */
const struct partition *partition_list_find(const struct partition_list *list, int64_t at);

struct partition_bounds {
    int64_t from_at, to_at;
};
/* The bounds of a new partition for a time that belongs to none: days aligned to the epoch, cut where a neighbour
 * begins or ends, because the width may have been another when that one was made. */
struct partition_bounds partition_bounds_new(const struct partition_list *list, int64_t at, int64_t days);
/* reading_YYYYMMDD of its first day; try > 0 appends _<try>, for when that name is taken by a table that was detached.
 */
void partition_name(char name[PARTITION_NAME_SIZE], int64_t from_at, int try);
