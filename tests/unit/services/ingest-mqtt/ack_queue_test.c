/* Acknowledgements leave in the order in which the messages came, whichever is stored first. */
#include "ack_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t put(struct ack_queue *queue, uint16_t packet_id)
{
    uint64_t number = ack_queue_next(queue);
    assert_true(ack_queue_reserve(queue));
    ack_queue_put(queue, packet_id);
    return number;
}

static void acknowledgements_keep_their_order(void **state)
{
    struct ack_queue queue;
    struct ack ack;
    (void)state;
    ack_queue_init(&queue);
    uint64_t first = put(&queue, 11), second = put(&queue, 12), third = put(&queue, 13);
    ack_queue_settle(&queue, third, 0);
    ack_queue_settle(&queue, second, 0x99);
    assert_false(ack_queue_take(&queue, &ack));
    ack_queue_settle(&queue, first, 0);
    for (uint16_t id = 11; id <= 13; id++) {
        assert_true(ack_queue_take(&queue, &ack));
        assert_int_equal(ack.packet_id, id);
        assert_int_equal(ack.reason, id == 12 ? 0x99 : 0);
    }
    assert_false(ack_queue_take(&queue, &ack));
    ack_queue_done(&queue);
}

static void it_grows_wraps_and_gives_its_memory_back(void **state)
{
    struct ack_queue queue;
    struct ack ack;
    uint64_t numbers[1000];
    (void)state;
    ack_queue_init(&queue);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 3; i++)
            ack_queue_settle(&queue, put(&queue, 1), 0);
        while (ack_queue_take(&queue, &ack))
            ;
        for (size_t i = 0; i < COUNT_OF(numbers); i++)
            numbers[i] = put(&queue, (uint16_t)i);
        assert_non_null(queue.grown);
        for (size_t i = COUNT_OF(numbers); i-- > 0;)
            ack_queue_settle(&queue, numbers[i], 0);
        for (size_t i = 0; i < COUNT_OF(numbers); i++) {
            assert_true(ack_queue_take(&queue, &ack));
            assert_int_equal(ack.packet_id, i);
        }
        assert_null(queue.grown);
    }
    ack_queue_done(&queue);
}

static void what_is_not_there_is_passed_over(void **state)
{
    struct ack_queue queue;
    struct ack ack;
    (void)state;
    ack_queue_init(&queue);
    uint64_t first = put(&queue, 1);
    ack_queue_settle(&queue, first + 1, 0);
    ack_queue_settle(&queue, UINT64_MAX, 0);
    assert_false(ack_queue_take(&queue, &ack));
    ack_queue_settle(&queue, first, 0);
    assert_true(ack_queue_take(&queue, &ack));
    ack_queue_settle(&queue, first, 0); /* once more, too late */
    assert_int_equal(queue.count, 0);
    ack_queue_done(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledgements_keep_their_order),
        cmocka_unit_test(it_grows_wraps_and_gives_its_memory_back),
        cmocka_unit_test(what_is_not_there_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
