/* The first level: what is least used goes first, what is old or made under other generations is not given. */
#include "cache/cache_memory.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { STAMP = 5, LONG_US = 1000000, CEILING = 64 * 1024 };

static struct cache_key key_of(int number)
{
    struct cache_key key;
    char path[32];
    snprintf(path, sizeof path, "/sensors/%d", number);
    assert_true(cache_key_make(&key, &(struct cache_question){ .tenant_id = 7, .scope = "", .path = path }));
    return key;
}

static void put(struct cache_memory *memory, int number, uint64_t stamp, int64_t expires_us, size_t size)
{
    static const char body[CEILING];
    struct cache_key key = key_of(number);
    AUTO(cache_entry) entry = cache_entry_new(&key, "\"e\"", body, size);
    assert_non_null(entry);
    entry->stamp = stamp;
    entry->expires_us = expires_us;
    cache_memory_put(memory, entry);
}

static bool has(struct cache_memory *memory, int number, uint64_t stamp, int64_t now_us)
{
    struct cache_key key = key_of(number);
    AUTO(cache_entry) entry = cache_memory_get(memory, &key, stamp, now_us);
    return entry != NULL;
}

static void what_was_put_is_given_until_its_time_is_over(void **state)
{
    AUTO(cache_memory) memory = cache_memory_new(CEILING);
    (void)state;
    put(memory, 1, STAMP, LONG_US, 10);
    assert_true(has(memory, 1, STAMP, LONG_US - 1));
    assert_false(has(memory, 1, STAMP, LONG_US));
    assert_int_equal(cache_memory_figures(memory).entries, 0);
}

static void what_was_made_under_other_generations_is_gone(void **state)
{
    AUTO(cache_memory) memory = cache_memory_new(CEILING);
    (void)state;
    put(memory, 1, STAMP, LONG_US, 10);
    assert_false(has(memory, 1, STAMP + 1, 0));
    assert_false(has(memory, 1, STAMP, 0));
}

static void the_ceiling_holds_and_what_is_used_stays(void **state)
{
    AUTO(cache_memory) memory = cache_memory_new(CEILING);
    const int64_t second_us = 1000000;
    (void)state;
    put(memory, 0, STAMP, INT64_MAX, 100);
    for (int i = 1; i < 2000; i++) {
        put(memory, i, STAMP, INT64_MAX, 100);
        assert_true(has(memory, 0, STAMP, i * second_us));
        assert_true(cache_memory_figures(memory).bytes <= CEILING);
    }
    assert_true(cache_memory_figures(memory).evictions > 0);
    assert_false(has(memory, 1, STAMP, 0));
}

/* The first hit counts, those of the second after it change nothing. */
static void the_order_of_use_is_kept_to_a_second(void **state)
{
    AUTO(cache_memory) memory = cache_memory_new(CEILING);
    (void)state;
    put(memory, 0, STAMP, INT64_MAX, 100);
    assert_true(has(memory, 0, STAMP, LONG_US));
    int others = 1;
    for (; cache_memory_figures(memory).evictions == 0; others++)
        put(memory, others, STAMP, INT64_MAX, 100);
    for (int i = 0; i < others && has(memory, 0, STAMP, 2 * LONG_US - 1); i++)
        put(memory, others + i, STAMP, INT64_MAX, 100);
    assert_false(has(memory, 0, STAMP, 2 * LONG_US - 1));
}

static void *hammer(void *argument)
{
    struct cache_memory *memory = argument;
    for (int i = 0; i < 20000; i++) {
        struct cache_key key = key_of(i % 50);
        AUTO(cache_entry) entry = cache_memory_get(memory, &key, STAMP + (i % 500 == 0), (int64_t)i * LONG_US / 10);
        if (!entry)
            put(memory, i % 50, STAMP, (int64_t)(i + 100) * LONG_US, 500);
        else if (entry->body_size != 500 || strcmp(entry->etag, "\"e\"") != 0)
            return argument;
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    pthread_t threads[4];
    AUTO(cache_memory) memory = cache_memory_new(CEILING);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, memory), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_true(cache_memory_figures(memory).bytes <= CEILING);
}

static void what_is_larger_than_its_share_is_not_kept(void **state)
{
    AUTO(cache_memory) memory = cache_memory_new(CEILING);
    (void)state;
    put(memory, 1, STAMP, LONG_US, CEILING / 2);
    assert_false(has(memory, 1, STAMP, 0));
    AUTO(cache_memory) none = cache_memory_new(0);
    put(none, 1, STAMP, LONG_US, 1);
    assert_false(has(none, 1, STAMP, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_given_until_its_time_is_over),
        cmocka_unit_test(what_was_made_under_other_generations_is_gone),
        cmocka_unit_test(the_ceiling_holds_and_what_is_used_stays),
        cmocka_unit_test(the_order_of_use_is_kept_to_a_second),
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(what_is_larger_than_its_share_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
