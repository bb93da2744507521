/* The numbers that a body's records have of their own. */
#include "ingest/codec.h"
#include "tests/support/test_readings.h"
#include <stdio.h>

static struct arena arena;
static struct raw_readings readings;

static bool decode(const char *body)
{
    struct err err = { 0 };
    arena_reset(&arena);
    readings = (struct raw_readings){ 0 };
    return codec_device_json_decode(&readings, &arena, body, strlen(body), &err);
}

static void assert_mark(size_t index, uint64_t first, uint64_t last, int64_t at)
{
    assert_true(index < readings.mark_count);
    const struct sequence_mark *mark = &readings.marks[index];
    assert_int_equal(mark->first, first);
    assert_int_equal(mark->last, last);
    assert_int_equal(mark->has_at, at != 0);
    assert_int_equal(mark->at, at);
}

static void a_record_has_a_number_and_its_time(void **state)
{
    (void)state;
    assert_true(decode("{\"s\":412,\"t\":1700000000,\"m\":{\"F\":1}}"));
    assert_int_equal(readings.mark_count, 1);
    assert_mark(0, 412, 412, 1700000000000000);
    assert_true(decode("{\"m\":{\"F\":1},\"s\":0}"));
    assert_mark(0, 0, 0, 0);
}

static void numbers_in_a_row_are_one_mark_up_or_down(void **state)
{
    (void)state;
    assert_true(decode("{\"b\":[{\"s\":1,\"t\":1700000001,\"m\":{\"F\":1}},{\"s\":2,\"t\":1700000002,\"m\":{\"F\":1}},"
                       "{\"s\":9,\"t\":1700000009,\"m\":{\"F\":1}},{\"s\":8,\"t\":1700000008,\"m\":{\"F\":1}}]}"));
    assert_int_equal(readings.mark_count, 2);
    assert_mark(0, 1, 2, 1700000002000000);
    assert_mark(1, 8, 9, 1700000009000000);
}

static void what_is_no_number_to_count_by_is_passed_over(void **state)
{
    static const char *const wrong[] = { "-1", "1.5", "\"7\"", "null", "true", "{\"a\":[1]}", "1e300", "1e999",
        "9007199254740993e1" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"s\":%s,\"m\":{\"F\":1}}", wrong[i]);
        if (!decode(body) || readings.count != 1 || readings.mark_count != 0)
            fail_msg("%s", body);
    }
    assert_true(decode("{\"s\":9007199254740992,\"m\":{\"F\":1}}"));
    assert_mark(0, SEQUENCE_HIGHEST, SEQUENCE_HIGHEST, 0);
    assert_true(decode("{\"sensor_id\":\"P1\",\"value\":3.5,\"s\":4}"));
    assert_int_equal(readings.mark_count, 0);
}

static void cbor_says_the_same(void **state)
{
    unsigned char body[64];
    struct err err = { 0 };
    (void)state;
    arena_reset(&arena);
    /* {"b": [{"s": 7, "m": {"A": 1}}, {"s": 8, "m": {"A": 2}}], "s": 3} */
    size_t size = bytes_of_hex(body, sizeof body, "a2616282a2617307616da1614101a2617308616da1614102617303");
    assert_true(codec_compact_cbor_decode(&readings, &arena, (const char *)body, size, &err));
    assert_int_equal(readings.mark_count, 1);
    assert_mark(0, 7, 8, 0);
}

/* Each number is apart from the one before. */
static void beyond_the_most_nothing_that_came_is_taken_for_missing(void **state)
{
    struct sequence_marks marks = { .arena = &arena };
    (void)state;
    arena_reset(&arena);
    for (uint64_t i = 0; i < 2 * SEQUENCE_MOST_MARKS; i++)
        assert_true(sequence_marks_add(&marks, &(struct sequence_mark){ 10 * i, 10 * i, 0, false }));
    assert_int_equal(marks.count, SEQUENCE_MOST_MARKS);
    assert_int_equal(marks.items[marks.count - 1].first, 10 * (SEQUENCE_MOST_MARKS - 1));
    assert_int_equal(marks.items[marks.count - 1].last, 10 * (2 * SEQUENCE_MOST_MARKS - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_has_a_number_and_its_time),
        cmocka_unit_test(numbers_in_a_row_are_one_mark_up_or_down),
        cmocka_unit_test(what_is_no_number_to_count_by_is_passed_over),
        cmocka_unit_test(cbor_says_the_same),
        cmocka_unit_test(beyond_the_most_nothing_that_came_is_taken_for_missing),
    };
    arena_init(&arena, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
