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
        int64_t pause_ms;
    } table[] = {
        { "idle and quick", 5, false, false, 2000 },
        { "idle and slow: half of the time", 5000, false, false, 5000 },
        { "readings queue up: a tenth of the time", 500, true, false, 4500 },
        { "readings queue up, but there is little to do", 10, true, false, 2000 },
        { "behind: at once again, half of the time", 300, true, true, 300 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (chores_pause_ms(2000, table[i].took_ms, table[i].is_busy, table[i].is_full) != table[i].pause_ms)
            fail_msg("%s", table[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rollups_make_way_for_readings) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
