/* The directory's memory: bounded, forgetful in the right order, and not fooled by an answer older than a change. */
#include "ingest/change_marks.h"
#include "ingest/directory_table.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int64_t value_of(
    const struct directory_table *table, int64_t key, int64_t now_us, enum directory_answer *out_answer)
{
    const void *value = NULL;
    int64_t copy = 0;
    *out_answer = directory_table_get(table, &key, sizeof key, now_us, &value);
    if (value)
        memcpy(&copy, value, sizeof copy);
    return copy;
}

static enum directory_answer answer_of(const struct directory_table *table, int64_t key, int64_t now_us)
{
    enum directory_answer answer;
    (void)value_of(table, key, now_us, &answer);
    return answer;
}

static void put(struct directory_table *table, int64_t key, int64_t value, int64_t expires_us)
{
    directory_table_put(table, &key, sizeof key, &value, expires_us);
}

static void what_is_put_is_there_until_it_expires(void **state)
{
    AUTO(directory_table) table = directory_table_new(sizeof(int64_t), 100);
    enum directory_answer answer;
    int64_t absent = 2;
    (void)state;
    put(table, 1, 11, 1000);
    directory_table_put(table, &absent, sizeof absent, NULL, 1000);
    assert_int_equal(value_of(table, 1, 999, &answer), 11);
    assert_int_equal(answer, DIRECTORY_PRESENT);
    assert_int_equal(answer_of(table, 1, 1000), DIRECTORY_UNKNOWN);
    assert_int_equal(answer_of(table, 2, 999), DIRECTORY_ABSENT);
    assert_int_equal(answer_of(table, 2, 1000), DIRECTORY_UNKNOWN);
    assert_int_equal(answer_of(table, 3, 0), DIRECTORY_UNKNOWN);
    put(table, 2, 22, 1000); /* it was made meanwhile */
    assert_int_equal(value_of(table, 2, 999, &answer), 22);
    put(table, 2, 23, 1000);
    assert_int_equal(value_of(table, 2, 999, &answer), 23);
    assert_int_equal(directory_table_count(table), 2);
}

static void when_full_those_not_asked_for_go_first(void **state)
{
    enum { CEILING = 800 };
    AUTO(directory_table) table = directory_table_new(sizeof(int64_t), CEILING);
    size_t there = 0, evicted = 0;
    (void)state;
    for (int64_t key = 0; key < CEILING; key++)
        put(table, key, key, 1000);
    for (int64_t key = 0; key < CEILING / 2; key++)
        assert_int_equal(answer_of(table, key, 0), DIRECTORY_PRESENT);
    int64_t next = CEILING;
    evicted = directory_table_put(table, &next, sizeof next, &next, 1000);
    assert_in_range(evicted, CEILING / 16, CEILING / 8 + 1);
    for (int64_t key = 0; key < CEILING / 2; key++)
        there += answer_of(table, key, 0) == DIRECTORY_PRESENT;
    assert_int_equal(there, CEILING / 2);
    for (int64_t key = CEILING; key < 10 * CEILING; key++)
        put(table, key, key, 1000);
    assert_true(directory_table_count(table) <= CEILING);
    assert_int_equal(answer_of(table, 10 * CEILING - 1, 0), DIRECTORY_PRESENT);
}

static void when_all_were_asked_for_some_go_all_the_same(void **state)
{
    enum { CEILING = 64 };
    AUTO(directory_table) table = directory_table_new(sizeof(int64_t), CEILING);
    (void)state;
    for (int64_t key = 0; key < 10 * CEILING; key++) {
        put(table, key, key, 1000);
        for (int64_t asked = 0; asked <= key; asked++)
            (void)answer_of(table, asked, 0);
        assert_int_equal(answer_of(table, key, 0), DIRECTORY_PRESENT);
    }
    assert_true(directory_table_count(table) <= CEILING);
}

static void a_flood_of_absent_names_pushes_nothing_out(void **state)
{
    AUTO(directory_table) table = directory_table_new(sizeof(int64_t), 100);
    (void)state;
    for (int64_t key = 0; key < 100; key++)
        put(table, key, key, 1000);
    for (int64_t key = 1000; key < 6000; key++)
        directory_table_put(table, &key, sizeof key, NULL, 1000);
    for (int64_t key = 0; key < 100; key++)
        assert_int_equal(answer_of(table, key, 0), DIRECTORY_PRESENT);
    assert_true(directory_table_count(table) <= 100 + 100 / 8 + 64);
}

static bool is_value(const void *value, const void *wanted)
{
    return memcmp(value, wanted, sizeof(int64_t)) == 0;
}

static void what_is_dropped_is_gone(void **state)
{
    AUTO(directory_table) table = directory_table_new(sizeof(int64_t), 100);
    int64_t one = 1, seven = 7;
    (void)state;
    put(table, 1, 11, 1000);
    put(table, 2, 7, 1000);
    put(table, 3, 7, 1000);
    put(table, 4, 44, 1000);
    directory_table_drop(table, &one, sizeof one);
    directory_table_drop_each(table, is_value, &seven);
    assert_int_equal(answer_of(table, 1, 0), DIRECTORY_UNKNOWN);
    assert_int_equal(answer_of(table, 2, 0), DIRECTORY_UNKNOWN);
    assert_int_equal(answer_of(table, 3, 0), DIRECTORY_UNKNOWN);
    assert_int_equal(answer_of(table, 4, 0), DIRECTORY_PRESENT);
    directory_table_clear(table);
    assert_int_equal(answer_of(table, 4, 0), DIRECTORY_UNKNOWN);
    assert_int_equal(directory_table_count(table), 0);
}

static void a_change_counts_for_what_was_asked_before_it(void **state)
{
    struct change_marks marks;
    (void)state;
    assert_true(change_marks_init(&marks));
    uint64_t before = marks.position;
    assert_true(change_marks_note(&marks, "A", 1));
    uint64_t after = marks.position;
    assert_true(change_marks_has_since(&marks, "A", 1, before));
    assert_false(change_marks_has_since(&marks, "A", 1, after));
    assert_false(change_marks_has_since(&marks, "B", 1, before));
    change_marks_note_all(&marks);
    assert_true(change_marks_has_since(&marks, "B", 1, after));
    assert_false(change_marks_has_since(&marks, "B", 1, marks.position));
    change_marks_done(&marks);
}

static void more_changes_than_can_be_remembered_change_everything(void **state)
{
    struct change_marks marks;
    bool has_forgotten = false;
    (void)state;
    assert_true(change_marks_init(&marks));
    uint64_t before = marks.position;
    for (uint32_t key = 0; key < 100000 && !has_forgotten; key++)
        has_forgotten = !change_marks_note(&marks, &key, sizeof key);
    assert_true(has_forgotten);
    assert_true(change_marks_has_since(&marks, "never noted", 11, before));
    assert_false(change_marks_has_since(&marks, "never noted", 11, marks.position));
    change_marks_done(&marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_there_until_it_expires),
        cmocka_unit_test(when_full_those_not_asked_for_go_first),
        cmocka_unit_test(when_all_were_asked_for_some_go_all_the_same),
        cmocka_unit_test(a_flood_of_absent_names_pushes_nothing_out),
        cmocka_unit_test(what_is_dropped_is_gone),
        cmocka_unit_test(a_change_counts_for_what_was_asked_before_it),
        cmocka_unit_test(more_changes_than_can_be_remembered_change_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
