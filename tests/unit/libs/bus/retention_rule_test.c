/* What may go from a stream that refuses when it is full. */
#include "bus/bus_retention_rule.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void room_is_made_down_to_the_share_and_no_further(void **state)
{
    static const struct {
        const char *what;
        struct bus_stream_state state;
        double keep_fill;
        uint64_t cut;
    } table[] = {
        { "empty", { .first_sequence = 8, .last_sequence = 7, .max_bytes = 100 }, 0.5, 8 },
        { "below the share",
            { .messages = 10, .bytes = 50, .first_sequence = 1, .last_sequence = 10, .max_bytes = 100 }, 0.5, 1 },
        { "full: half goes",
            { .messages = 10, .bytes = 100, .first_sequence = 1, .last_sequence = 10, .max_bytes = 100 }, 0.5, 6 },
        { "a part of a message is a message",
            { .messages = 10, .bytes = 99, .first_sequence = 101, .last_sequence = 110, .max_bytes = 100 }, 0.5, 106 },
        { "nothing may stay", { .messages = 3, .bytes = 9, .first_sequence = 5, .last_sequence = 7, .max_bytes = 100 },
            0, 8 },
        { "no ceiling", { .messages = 3, .bytes = 9, .first_sequence = 5, .last_sequence = 7, .max_bytes = -1 }, 0.5,
            5 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (bus_cut_for_room(&table[i].state, table[i].keep_fill) != table[i].cut)
            fail_msg("%s", table[i].what);
}

static void nothing_goes_that_somebody_has_not_read(void **state)
{
    (void)state;
    assert_int_equal(bus_cut(5, 9, 100), 9);
    assert_int_equal(bus_cut(9, 5, 100), 9);
    assert_int_equal(bus_cut(50, 90, 7), 8);
    assert_int_equal(bus_cut(50, 90, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_is_made_down_to_the_share_and_no_further),
        cmocka_unit_test(nothing_goes_that_somebody_has_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
