/* The same key with another body is noticed, for a day, and only of the same device. */
#include "repeat_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const int64_t day_us = INT64_C(86400000000);

static struct repeat repeat(const char *device, const char *key, const char *body)
{
    return repeat_of(device, key, body, strlen(body));
}

static void another_body_under_a_key_contradicts(void **state)
{
    AUTO(repeat_memory) memory = repeat_memory_new();
    const struct repeat first = repeat("d1", "k", "a"), again = repeat("d1", "k", "a"), other = repeat("d1", "k", "b");
    const struct repeat another_key = repeat("d1", "k2", "b"), another_device = repeat("d2", "k", "b");
    (void)state;
    assert_int_equal(repeat_memory_begin(memory, &first, 1), REPEAT_MAY_GO);
    repeat_memory_end(memory, &first, true, 1);
    assert_int_equal(repeat_memory_begin(memory, &again, 2), REPEAT_MAY_GO);
    repeat_memory_end(memory, &again, false, 2); /* which is no reason to forget what was taken */
    assert_int_equal(repeat_memory_begin(memory, &other, 2), REPEAT_OTHER_BODY);
    assert_int_equal(repeat_memory_begin(memory, &another_key, 2), REPEAT_MAY_GO);
    assert_int_equal(repeat_memory_begin(memory, &another_device, 2), REPEAT_MAY_GO);
    assert_int_equal(repeat_memory_begin(memory, &other, day_us), REPEAT_OTHER_BODY);
    assert_int_equal(repeat_memory_begin(memory, &other, day_us + 1), REPEAT_MAY_GO);
}

static void a_request_under_way_is_alone_under_its_key(void **state)
{
    AUTO(repeat_memory) memory = repeat_memory_new();
    const struct repeat first = repeat("d1", "k", "a"), other = repeat("d1", "k", "b");
    (void)state;
    assert_int_equal(repeat_memory_begin(memory, &first, 1), REPEAT_MAY_GO);
    assert_int_equal(repeat_memory_begin(memory, &first, 1), REPEAT_UNDER_WAY);
    assert_int_equal(repeat_memory_begin(memory, &other, 1), REPEAT_OTHER_BODY);
    repeat_memory_end(memory, &first, false, 2); /* nothing was taken: the key is free */
    assert_int_equal(repeat_memory_begin(memory, &other, 3), REPEAT_MAY_GO);
    assert_int_equal(repeat_memory_begin(memory, &first, 3), REPEAT_OTHER_BODY);
}

static void keys_that_meet_in_one_place_leave_one_under_way_alone(void **state)
{
    AUTO(repeat_memory) memory = repeat_memory_new();
    struct repeat first = repeat("d1", "k", "a"), meets = repeat("d2", "k", "a");
    (void)state;
    memcpy(meets.key, first.key, 2); /* by which a place is found */
    assert_int_equal(repeat_memory_begin(memory, &first, 1), REPEAT_MAY_GO);
    assert_int_equal(repeat_memory_begin(memory, &meets, 1), REPEAT_MAY_GO);
    repeat_memory_end(memory, &meets, true, 2);
    assert_int_equal(repeat_memory_begin(memory, &first, 2), REPEAT_UNDER_WAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_body_under_a_key_contradicts),
        cmocka_unit_test(a_request_under_way_is_alone_under_its_key),
        cmocka_unit_test(keys_that_meet_in_one_place_leave_one_under_way_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
