/* Arenas, buffers, maps and queues keep to their ceilings and give back what they hold. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/queue.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_arena_gives_zeroed_memory_up_to_its_ceiling(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 100000);
    for (int round = 0; round < 3; round++) {
        size_t got = 0;
        unsigned char *piece;
        while ((piece = arena_alloc(&arena, 1000))) {
            for (size_t i = 0; i < 1000; i++)
                assert_int_equal(piece[i], 0);
            memset(piece, 0xff, 1000);
            got++;
        }
        assert_true(got >= 95 && got <= 100);
        arena_reset(&arena);
    }
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc_array(&arena, SIZE_MAX / 2, 4));
    assert_null(arena_text_n(&arena, "x", SIZE_MAX));
    assert_string_equal(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    assert_string_equal(arena_text(&arena, "abc"), "abc");
    arena_done(&arena);
}

static void an_arena_keeps_no_more_than_it_is_told(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1000000);
    assert_non_null(arena_alloc(&arena, 100));
    arena_reset_keeping(&arena, 32768);
    assert_non_null(arena.chunks); /* the first chunk is that small */
    assert_non_null(arena_alloc(&arena, 100000));
    arena_reset_keeping(&arena, 32768);
    assert_null(arena.chunks);
    assert_non_null(arena_alloc(&arena, 100000));
    arena_reset(&arena);
    assert_non_null(arena.chunks);
    arena_done(&arena);
}

static void a_buffer_that_failed_stays_failed_and_keeps_its_text(void **state)
{
    AUTO_INPLACE(buffer) buffer = { 0 };
    (void)state;
    buffer_init(&buffer, 16);
    buffer_put_text(&buffer, "0123456789");
    assert_true(buffer_ok(&buffer));
    buffer_put_text(&buffer, "0123456789");
    assert_false(buffer_ok(&buffer));
    buffer_put_char(&buffer, 'x');
    assert_false(buffer_ok(&buffer));
    assert_string_equal(buffer.data, "0123456789");
    buffer_reset(&buffer);
    buffer_printf(&buffer, "%d", 42);
    assert_true(buffer_ok(&buffer));
    assert_string_equal(buffer.data, "42");
}

static void a_map_finds_what_was_put_and_nothing_else(void **state)
{
    struct map *map = map_new(5000);
    char key[16];
    (void)state;
    for (intptr_t i = 0; i < 5000; i++) {
        int length = snprintf(key, sizeof key, "k%d", (int)i);
        assert_true(map_put(map, key, (size_t)length, (void *)(i + 1), NULL));
    }
    assert_false(map_put(map, "more", 4, key, NULL));
    for (intptr_t i = 0; i < 5000; i += 2) {
        int length = snprintf(key, sizeof key, "k%d", (int)i);
        assert_ptr_equal(map_remove(map, key, (size_t)length), (void *)(i + 1));
    }
    assert_int_equal(map_count(map), 2500);
    for (intptr_t i = 0; i < 5000; i++) {
        int length = snprintf(key, sizeof key, "k%d", (int)i);
        assert_ptr_equal(map_get(map, key, (size_t)length), i % 2 ? (void *)(i + 1) : NULL);
    }
    void *old;
    assert_true(map_put(map, "k1", 2, key, &old));
    assert_ptr_equal(old, (void *)2);
    assert_null(map_remove(map, "absent", 6));
    map_free(map, NULL);
}

static void *push_thousand(void *argument)
{
    for (intptr_t i = 1; i <= 1000; i++)
        assert_true(queue_push(argument, (void *)i, -1));
    return NULL;
}

static void a_queue_hands_over_everything_between_threads(void **state)
{
    AUTO(queue) queue = queue_new(7);
    pthread_t threads[4];
    intptr_t sum = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_create(&threads[i], NULL, push_thousand, queue);
    for (int i = 0; i < 4000; i++)
        sum += (intptr_t)queue_pop(queue, 5000);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(sum, 4 * 500500);
    assert_int_equal(queue_count(queue), 0);
}

static void a_full_or_closed_queue_refuses(void **state)
{
    AUTO(queue) queue = queue_new(1);
    (void)state;
    assert_true(queue_push(queue, "a", 0));
    int64_t before = clock_monotonic_us();
    assert_false(queue_push(queue, "b", 30));
    assert_true(clock_monotonic_us() - before >= 25000);
    queue_close(queue);
    assert_false(queue_push(queue, "c", -1));
    assert_string_equal(queue_pop(queue, -1), "a");
    assert_null(queue_pop(queue, -1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_gives_zeroed_memory_up_to_its_ceiling),
        cmocka_unit_test(an_arena_keeps_no_more_than_it_is_told),
        cmocka_unit_test(a_buffer_that_failed_stays_failed_and_keeps_its_text),
        cmocka_unit_test(a_map_finds_what_was_put_and_nothing_else),
        cmocka_unit_test(a_queue_hands_over_everything_between_threads),
        cmocka_unit_test(a_full_or_closed_queue_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
