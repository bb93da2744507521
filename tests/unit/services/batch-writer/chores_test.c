/* How rollups make way for readings. */
#include "chores.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* after the four that it needs */
#include <cmocka.h>

static void rollups_make_way_for_readings(void **state)
{
    static const struct {
        const char *name;
        int64_t took_ms;
        bool is_busy, is_full;
        int64_t rounds_behind, pause_ms;
    } table[] = {
        { "idle and quick", 5, false, false, 0, 2000 },
        { "idle and slow: half of the time", 5000, false, false, 0, 5000 },
        { "idle and behind: at once again", 300, false, true, 3, 300 },
        { "readings queue up: a twentieth of the time", 500, true, false, 0, 9500 },
        { "readings queue up, and there is more to do", 500, true, true, 3, 9500 },
        { "readings queue up, but there is little to do", 10, true, false, 0, 2000 },
        { "the marks themselves have become a burden", 300, true, true, 40, 300 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (chores_pause_ms(2000, table[i].took_ms, table[i].is_busy, table[i].is_full, table[i].rounds_behind) !=
            table[i].pause_ms)
            fail_msg("%s", table[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rollups_make_way_for_readings) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
