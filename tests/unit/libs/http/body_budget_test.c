/* Bodies in memory keep to their ceiling, however many ask at once. */
#include "http/body_budget.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void what_does_not_fit_is_refused_and_what_is_given_back_fits_again(void **state)
{
    struct body_budget budget;
    (void)state;
    body_budget_init(&budget, 100);
    assert_true(body_budget_take(&budget, 60));
    assert_false(body_budget_take(&budget, 41));
    assert_true(body_budget_take(&budget, 40));
    assert_false(body_budget_take(&budget, 1));
    body_budget_give_back(&budget, 60);
    assert_true(body_budget_take(&budget, 60));
    assert_false(body_budget_take(&budget, SIZE_MAX));
}

static void *take_and_give_back(void *argument)
{
    struct body_budget *budget = argument;
    for (int i = 0; i < 20000; i++)
        if (body_budget_take(budget, 7))
            body_budget_give_back(budget, 7);
    return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
    struct body_budget budget;
    pthread_t threads[4];
    (void)state;
    body_budget_init(&budget, 20);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_create(&threads[i], NULL, take_and_give_back, &budget);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(body_budget_take(&budget, 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_refused_and_what_is_given_back_fits_again),
        cmocka_unit_test(nothing_is_lost_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
