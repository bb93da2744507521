/* How the rows of a transaction spread over partitions, hours and tenants. */
#include "group.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after the four that it needs */
#include <cmocka.h>

enum { ROWS = 1000 };
#define FIRST_DAY INT64_C(20000)

static struct arena arena;
static struct partition_list partitions;
static Nwims__V1__ReadingBatch wires[4];
static struct batch batches[4];
static int32_t sensors[4][ROWS];
static int64_t times[4][ROWS];

static int start(void **state)
{
    (void)state;
    struct err err = { 0 };
    arena_init(&arena, 8 << 20);
    partition_list_init(&partitions);
    for (int64_t i = 0; i < 4; i++) {
        char name[PARTITION_NAME_SIZE];
        int64_t from_at = (FIRST_DAY + i * 7) * DAY_US;
        partition_name(name, from_at, 0);
        assert_true(partition_list_put(&partitions, name, from_at, from_at + 7 * DAY_US, &err));
    }
    memset(batches, 0, sizeof batches);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    partition_list_done(&partitions);
    arena_done(&arena);
    return 0;
}

/* Batch i with count rows that begin on first_day and lie step_us apart. */
static void make(size_t i, int32_t tenant_id, size_t count, int64_t first_day, int64_t step_us)
{
    nwims__v1__reading_batch__init(&wires[i]);
    wires[i].tenant_id = tenant_id;
    wires[i].received_at = FIRST_DAY * DAY_US;
    wires[i].sensor_no = sensors[i];
    for (size_t row = 0; row < count; row++) {
        sensors[i][row] = (int32_t)(row % 10) + 1;
        times[i][row] = first_day * DAY_US + (int64_t)row * step_us;
    }
    batches[i] = (struct batch){ .wire = &wires[i],
        .observed_at = times[i],
        .count = count,
        .sequence = 100 + i,
        .delivered = 1,
        .oldest_at = times[i][0],
        .newest_at = times[i][count - 1] };
    if (step_us < 0) {
        batches[i].oldest_at = times[i][count - 1];
        batches[i].newest_at = times[i][0];
    }
}

/* Every row is in exactly one slice, in the partition it belongs to; slices are in order of time. */
static void expect_complete(const struct slices *slices, size_t rows)
{
    static unsigned char seen[4][ROWS];
    size_t total = 0;
    memset(seen, 0, sizeof seen);
    for (size_t s = 0; s < slices->count; s++) {
        const struct slice *slice = &slices->items[s];
        size_t which = (size_t)(slice->batch - batches);
        if (s > 0)
            assert_true(slices->items[s - 1].partition->from_at <= slice->partition->from_at);
        for (size_t i = 0; i < slice->count; i++) {
            size_t row = slice->rows ? slice->rows[i] : i;
            assert_true(times[which][row] >= slice->partition->from_at && times[which][row] < slice->partition->to_at);
            assert_int_equal(seen[which][row]++, 0);
        }
        total += slice->count;
    }
    assert_int_equal(total, rows);
}

static void a_batch_in_one_partition_stays_whole(void **state)
{
    (void)state;
    struct slices slices;
    struct err err = { 0 };
    int64_t missing_at;
    make(0, 1, ROWS, FIRST_DAY, 1000000);
    make(1, 1, 5, FIRST_DAY + 1, 1000000);
    assert_true(group_slice(&slices, batches, 2, &partitions, &arena, &missing_at, &err));
    assert_int_equal(slices.count, 2);
    assert_null(slices.items[0].rows);
    expect_complete(&slices, ROWS + 5);
}

static void batches_over_several_partitions_are_split(void **state)
{
    (void)state;
    struct slices slices;
    struct err err = { 0 };
    int64_t missing_at;
    make(0, 1, ROWS, FIRST_DAY, 28 * DAY_US / ROWS);     /* rising through all four */
    make(1, 1, 50, FIRST_DAY + 27, -(25 * DAY_US / 50)); /* falling through all four */
    make(2, 2, 10, FIRST_DAY, 1000);                     /* in the first only */
    for (size_t row = 0; row < ROWS; row += 3) {         /* to and fro */
        int64_t swapped = times[0][row];
        times[0][row] = times[0][ROWS - 1 - row];
        times[0][ROWS - 1 - row] = swapped;
    }
    assert_true(group_slice(&slices, batches, 3, &partitions, &arena, &missing_at, &err));
    assert_int_equal(slices.count, 4 + 4 + 1);
    expect_complete(&slices, ROWS + 50 + 10);
}

static void many_partitions_need_more_slices_than_batches(void **state)
{
    (void)state;
    struct slices slices;
    struct err err = { 0 };
    int64_t missing_at;
    make(0, 1, 28, FIRST_DAY, DAY_US);
    assert_true(group_slice(&slices, batches, 1, &partitions, &arena, &missing_at, &err));
    assert_int_equal(slices.count, 4);
    expect_complete(&slices, 28);
}

static void what_is_committed_has_no_slices(void **state)
{
    (void)state;
    struct slices slices;
    struct err err = { 0 };
    int64_t missing_at;
    make(0, 1, 5, FIRST_DAY, 1000);
    batches[0].is_committed = true;
    assert_true(group_slice(&slices, batches, 1, &partitions, &arena, &missing_at, &err));
    assert_int_equal(slices.count, 0);
}

static void a_missing_partition_is_named_by_a_time_in_it(void **state)
{
    static const struct {
        int64_t first_day;
        size_t rows;
    } table[] = { { FIRST_DAY - 1, 1 }, { FIRST_DAY + 28, 1 }, { FIRST_DAY + 26, 4 } };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct slices slices;
        struct err err = { 0 };
        int64_t missing_at = 0;
        make(0, 1, table[i].rows, table[i].first_day, DAY_US);
        assert_false(group_slice(&slices, batches, 1, &partitions, &arena, &missing_at, &err));
        assert_int_equal(err.kind, ERR_NOT_FOUND);
        assert_null(partition_list_find(&partitions, missing_at));
    }
}

static void a_full_arena_is_a_limit(void **state)
{
    (void)state;
    struct arena small;
    struct slices slices;
    struct tally tally;
    int64_t missing_at;
    for (size_t ceiling = 0; ceiling < 4000; ceiling += 64) {
        struct err err = { 0 };
        arena_init(&small, ceiling);
        make(0, 1, 500, FIRST_DAY, DAY_US / 20);
        assert_false(group_slice(&slices, batches, 1, &partitions, &small, &missing_at, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
        arena_done(&small);
    }
    struct err err = { 0 };
    arena_init(&small, 64);
    assert_false(group_tally(&tally, batches, 1, &small, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_done(&small);
}

static void hours_are_marked_once(void **state)
{
    (void)state;
    struct mark_set marks;
    struct err err = { 0 };
    mark_set_init(&marks);
    make(0, 1, 100, FIRST_DAY, HOUR_US / 10); /* ten sensors, each once an hour for ten hours */
    make(1, 1, 100, FIRST_DAY, HOUR_US / 10);
    make(2, 1, 10, FIRST_DAY + 1, 1);
    make(3, 1, 10, FIRST_DAY + 2, 1);
    batches[0].stored = batches[1].stored = 100;
    batches[2].stored = 0;          /* duplicates only: nothing has changed */
    batches[3].is_committed = true; /* marked when it was stored */
    batches[3].stored = 10;
    assert_true(group_mark(&marks, batches, 4, &err));
    assert_int_equal(marks.count, 100);
    mark_set_done(&marks);
}

static void tenants_and_days_are_summed(void **state)
{
    (void)state;
    struct tally tally;
    struct err err = { 0 };
    make(0, 1, 10, FIRST_DAY, 1);
    make(1, 2, 10, FIRST_DAY, 1);
    make(2, 1, 10, FIRST_DAY, 1);
    make(3, 1, 10, FIRST_DAY, 1);
    wires[3].received_at += DAY_US;
    for (size_t i = 0; i < 4; i++) {
        batches[i].stored = 7;
        batches[i].duplicate = 3;
    }
    batches[1].is_committed = true;
    assert_true(group_tally(&tally, batches, 4, &arena, &err));
    assert_int_equal(tally.sequence_count, 3);
    assert_int_equal(tally.sequences[1], 102);
    assert_int_equal(tally.arrivals, 2);
    assert_int_equal(tally.stored[0], 14);
    assert_int_equal(tally.duplicate[0], 6);
    assert_int_equal(tally.minutes[1], (FIRST_DAY + 1) * 24 * 60);
    assert_int_equal(tally.stored[1], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_in_one_partition_stays_whole, start, stop),
        cmocka_unit_test_setup_teardown(batches_over_several_partitions_are_split, start, stop),
        cmocka_unit_test_setup_teardown(many_partitions_need_more_slices_than_batches, start, stop),
        cmocka_unit_test_setup_teardown(what_is_committed_has_no_slices, start, stop),
        cmocka_unit_test_setup_teardown(a_missing_partition_is_named_by_a_time_in_it, start, stop),
        cmocka_unit_test_setup_teardown(a_full_arena_is_a_limit, start, stop),
        cmocka_unit_test_setup_teardown(hours_are_marked_once, start, stop),
        cmocka_unit_test_setup_teardown(tenants_and_days_are_summed, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
