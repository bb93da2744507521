#include "front/life_signs.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const int64_t minute_us = 60 * 1000000;

static void a_device_is_told_of_once_a_minute(void **state)
{
    struct life_signs *signs = life_signs_new();
    (void)state;
    assert_non_null(signs);
    for (int64_t minute = 100; minute < 110; minute++) {
        assert_true(life_signs_is_first(signs, "device-1", minute * minute_us));
        assert_false(life_signs_is_first(signs, "device-1", minute * minute_us + 1));
        assert_false(life_signs_is_first(signs, "device-1", (minute + 1) * minute_us - 1));
    }
    life_signs_free(signs);
}

/* 5,000 devices: in a minute nine of ten are told of, and nobody is passed over for five minutes. */
static void devices_that_meet_in_one_place_meet_nobody_in_the_next(void **state)
{
    enum { DEVICES = 5000 };
    static int silent[DEVICES];
    struct life_signs *signs = life_signs_new();
    (void)state;
    assert_non_null(signs);
    for (int64_t minute = 1; minute <= 20; minute++) {
        int told = 0;
        for (int i = 0; i < DEVICES; i++) {
            char id[32];
            snprintf(id, sizeof id, "device-%d", i);
            bool is_first = life_signs_is_first(signs, id, minute * minute_us);
            silent[i] = is_first ? 0 : silent[i] + 1;
            told += is_first;
            assert_in_range(silent[i], 0, 4);
        }
        assert_true(told > DEVICES * 9 / 10);
    }
    life_signs_free(signs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_told_of_once_a_minute),
        cmocka_unit_test(devices_that_meet_in_one_place_meet_nobody_in_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
