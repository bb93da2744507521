/* Which statistics are kept fresh: those that are asked for again and again, the last asked first, and no longer. */
#include "asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEEP_MS = 1000, MS = 1000, TENANT = 7 };

static struct asked_list *list;
static struct asked_sensor due;

static int begin(void **state)
{
    (void)state;
    list = calloc(1, sizeof *list);
    return list ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    free(list);
    return 0;
}

static void ask_twice(const char *id, int64_t at_us)
{
    asked_note(list, TENANT, id, at_us);
    asked_note(list, TENANT, id, at_us);
}

static bool is_due(int64_t at_us, const char *id)
{
    return asked_take_due(list, KEEP_MS, at_us, &due) && strcmp(due.id, id) == 0;
}

static void who_asks_once_costs_no_more_questions(void **state)
{
    (void)state;
    asked_note(list, TENANT, "A", 1);
    assert_false(is_due(900 * MS, "A"));
    asked_note(list, TENANT, "A", 900 * MS);
    assert_true(is_due(900 * MS, "A"));
}

static void an_answer_is_made_anew_at_half_its_time(void **state)
{
    (void)state;
    ask_twice("A", 1);
    assert_true(is_due(600 * MS, "A"));
    assert_false(is_due(1000 * MS, "A"));
    assert_true(is_due(1100 * MS, "A"));
}

static void what_nobody_asks_for_any_more_is_forgotten(void **state)
{
    (void)state;
    ask_twice("A", 1);
    assert_false(is_due(3100 * MS, "A"));
    assert_int_equal(list->count, 0);
}

static void what_became_worthless_is_made_anew_soon_but_not_at_each_write(void **state)
{
    (void)state;
    ask_twice("A", 1);
    assert_true(is_due(600 * MS, "A"));
    asked_spoil(list, TENANT + 1);
    assert_false(is_due(850 * MS, "A"));
    asked_spoil(list, TENANT);
    assert_false(is_due(700 * MS, "A"));
    assert_true(is_due(850 * MS, "A"));
    asked_spoil(list, 0);
    assert_true(is_due(1050 * MS, "A"));
}

static void the_last_asked_come_first(void **state)
{
    (void)state;
    ask_twice("A", 1);
    ask_twice("B", 2);
    asked_note(list, TENANT, "A", 3);
    assert_true(is_due(600 * MS, "A"));
    assert_true(is_due(600 * MS, "B"));
    assert_false(asked_take_due(list, KEEP_MS, 600 * MS, &due));
}

static void a_full_list_lets_the_longest_unasked_go(void **state)
{
    char id[ASKED_ID_SIZE];
    (void)state;
    for (int i = 0; i <= ASKED_MOST; i++) {
        snprintf(id, sizeof id, "S%d", i);
        asked_note(list, TENANT, id, i + 1);
    }
    assert_int_equal(list->count, ASKED_MOST);
    assert_string_equal(list->items[0].id, id);
}

static void tenants_are_told_apart(void **state)
{
    (void)state;
    asked_note(list, 1, "A", 1);
    asked_note(list, 2, "A", 1);
    assert_int_equal(list->count, 2);
}

static void only_statistics_of_one_sensor_are_taken(void **state)
{
    char id[ASKED_ID_SIZE], longest[ASKED_ID_SIZE], path[128];
    (void)state;
    assert_true(asked_parse_path(id, "/sensors/P-1/statistics"));
    assert_string_equal(id, "P-1");
    memset(longest, 'x', sizeof longest);
    longest[ASKED_ID_SIZE - 1] = '\0';
    snprintf(path, sizeof path, "/sensors/%s/statistics", longest);
    assert_true(asked_parse_path(id, path));
    snprintf(path, sizeof path, "/sensors/%sx/statistics", longest);
    assert_false(asked_parse_path(id, path));
    assert_false(asked_parse_path(id, "/sensors//statistics"));
    assert_false(asked_parse_path(id, "/sensors/P-1/latest"));
    assert_false(asked_parse_path(id, "/ingest/statistics"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_asks_once_costs_no_more_questions),
        TEST(an_answer_is_made_anew_at_half_its_time),
        TEST(what_nobody_asks_for_any_more_is_forgotten),
        TEST(what_became_worthless_is_made_anew_soon_but_not_at_each_write),
        TEST(the_last_asked_come_first),
        TEST(a_full_list_lets_the_longest_unasked_go),
        TEST(tenants_are_told_apart),
        TEST(only_statistics_of_one_sensor_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
