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
    assert_false(repeat_memory_contradicts(memory, &first, 1));
    repeat_memory_note(memory, &first, 1);
    assert_false(repeat_memory_contradicts(memory, &again, 2));
    assert_true(repeat_memory_contradicts(memory, &other, 2));
    assert_false(repeat_memory_contradicts(memory, &another_key, 2));
    assert_false(repeat_memory_contradicts(memory, &another_device, 2));
    assert_true(repeat_memory_contradicts(memory, &other, day_us));
    assert_false(repeat_memory_contradicts(memory, &other, day_us + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(another_body_under_a_key_contradicts) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
