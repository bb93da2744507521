/* Which partition a time belongs to, and how a new one fits between its neighbours. */
#include "batch.h"
#include "partition.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the four that it needs */
#include <cmocka.h>

static struct partition_list list;

static int start(void **state)
{
    (void)state;
    partition_list_init(&list);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    partition_list_done(&list);
    return 0;
}

static void put(const char *name, int64_t from_day, int64_t to_day)
{
    struct err err = { 0 };
    assert_true(partition_list_put(&list, name, from_day * DAY_US, to_day * DAY_US, &err));
}

static void a_time_finds_its_partition(void **state)
{
    static const struct {
        int64_t at;
        const char *name; /* NULL: none */
    } table[] = {
        { 10 * DAY_US - 1, NULL },
        { 10 * DAY_US, "a" },
        { 15 * DAY_US - 1, "a" },
        { 15 * DAY_US, NULL },
        { 20 * DAY_US, "b" },
        { 21 * DAY_US, "c" },
        { 22 * DAY_US - 1, "c" },
        { 22 * DAY_US, NULL },
    };
    (void)state;
    assert_null(partition_list_find(&list, 0));
    put("a", 10, 15);
    put("b", 20, 21);
    put("c", 21, 22);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct partition *found = partition_list_find(&list, table[i].at);
        assert_true(!found == !table[i].name);
        if (found)
            assert_string_equal(found->name, table[i].name);
    }
}

static void a_partition_out_of_order_is_our_mistake(void **state)
{
    (void)state;
    struct err err = { 0 };
    put("a", 10, 15);
    assert_false(partition_list_put(&list, "overlaps", 14 * DAY_US, 16 * DAY_US, &err));
    assert_int_equal(err.kind, ERR_BUG);
    assert_false(partition_list_put(&list, "empty", 20 * DAY_US, 20 * DAY_US, &err));
    char name[PARTITION_NAME_SIZE + 2];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_false(partition_list_put(&list, name, 20 * DAY_US, 21 * DAY_US, &err));
}

static void statements_outlive_a_reading_of_the_list(void **state)
{
    (void)state;
    put("a", 10, 15);
    const struct partition *before = partition_list_find(&list, 10 * DAY_US);
    partition_list_clear(&list);
    assert_null(partition_list_find(&list, 10 * DAY_US));
    for (int64_t day = 0; day < 200; day++) {
        char name[16];
        snprintf(name, sizeof name, day == 10 ? "a" : "p%d", (int)day);
        put(name, day, day + 1);
    }
    assert_ptr_equal(partition_list_find(&list, 10 * DAY_US), before);
    assert_non_null(strstr(before->copy_sql, "COPY telemetry.a "));
    assert_non_null(strstr(before->insert_sql, "INSERT INTO telemetry.a "));
}

static void new_bounds_are_aligned_and_cut_at_neighbours(void **state)
{
    static const struct {
        const char *name;
        int64_t at_day, days, from_day, to_day;
    } table[] = {
        { "free: aligned to the epoch", 100, 7, 98, 105 },
        { "one day", 100, 1, 100, 101 },
        { "the one before reaches into it", 15, 7, 15, 20 },
        { "the one after begins in it", 19, 7, 15, 20 },
        { "a gap of one day", 30, 30, 30, 31 },
        { "the first day there is", 0, 7, 0, 7 },
    };
    (void)state;
    put("a", 10, 15);
    put("b", 20, 30);
    put("c", 31, 60);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct partition_bounds bounds = partition_bounds_new(&list, table[i].at_day * DAY_US + 5, table[i].days);
        if (bounds.from_at != table[i].from_day * DAY_US || bounds.to_at != table[i].to_day * DAY_US)
            fail_msg("%s: days %d to %d", table[i].name, (int)(bounds.from_at / DAY_US), (int)(bounds.to_at / DAY_US));
    }
}

static void names_are_days(void **state)
{
    (void)state;
    char name[PARTITION_NAME_SIZE];
    partition_name(name, BATCH_OLDEST_AT, 0);
    assert_string_equal(name, "reading_20000101");
    partition_name(name, BATCH_OLDEST_AT + 59 * DAY_US, 2);
    assert_string_equal(name, "reading_20000229_2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_time_finds_its_partition, start, stop),
        cmocka_unit_test_setup_teardown(a_partition_out_of_order_is_our_mistake, start, stop),
        cmocka_unit_test_setup_teardown(statements_outlive_a_reading_of_the_list, start, stop),
        cmocka_unit_test_setup_teardown(new_bounds_are_aligned_and_cut_at_neighbours, start, stop),
        cmocka_unit_test(names_are_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
