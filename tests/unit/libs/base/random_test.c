/* Numbers of which every request needs some: never the same twice, in no thread and in no child. */
#include "base/uuid.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 4, NUMBERS = 5000 };

static int compare(const void *left, const void *right)
{
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
    return (one > other) - (one < other);
}

static void *draw(void *argument)
{
    uint64_t *numbers = argument;
    for (size_t i = 0; i < NUMBERS; i++)
        random_numbers(&numbers[i], sizeof numbers[i]);
    return NULL;
}

static void no_number_comes_twice(void **state)
{
    static uint64_t numbers[THREADS * NUMBERS];
    pthread_t threads[THREADS];
    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, draw, numbers + i * NUMBERS), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    qsort(numbers, COUNT_OF(numbers), sizeof numbers[0], compare);
    for (size_t i = 1; i < COUNT_OF(numbers); i++)
        assert_true(numbers[i] != numbers[i - 1]);
}

/* Bits that never change would show a block that is given out wrongly. */
static void every_size_is_filled(void **state)
{
    unsigned char some[600], ever[600] = { 0 };
    (void)state;
    for (int round = 0; round < 100; round++)
        for (size_t size = 1; size <= sizeof some; size += 37) {
            memset(some, 0, sizeof some);
            random_numbers(some, size);
            for (size_t i = 0; i < size; i++)
                ever[i] |= some[i];
            for (size_t i = size; i < sizeof some; i++)
                assert_int_equal(some[i], 0);
        }
    for (size_t i = 0; i < 593; i++)
        assert_int_equal(ever[i], 0xff);
}

static void a_child_draws_its_own(void **state)
{
    uint64_t ours, theirs = 0;
    int ends[2], status;
    (void)state;
    random_numbers(&ours, sizeof ours); /* a block is at hand now */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        random_numbers(&theirs, sizeof theirs);
        _exit(write(ends[1], &theirs, sizeof theirs) == (ssize_t)sizeof theirs ? 0 : 1);
    }
    random_numbers(&ours, sizeof ours);
    assert_int_equal(read(ends[0], &theirs, sizeof theirs), (ssize_t)sizeof theirs);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(ours != theirs);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_number_comes_twice),
        cmocka_unit_test(every_size_is_filled),
        cmocka_unit_test(a_child_draws_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
