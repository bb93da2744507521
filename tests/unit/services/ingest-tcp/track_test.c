/* What is settled up to where, whichever frame is settled first. */
#include "track.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* after the four that it needs */
#include <cmocka.h>

static void frames_settled_out_of_order_move_in_order(void **state)
{
    struct track track;
    (void)state;
    track_init(&track, 10);
    assert_true(track_reserve(&track));
    uint64_t one = track_put(&track, 12), two = track_put(&track, 13), three = track_put(&track, 20);
    assert_int_equal(track.received, 20);
    assert_false(track_settle(&track, three));
    assert_false(track_settle(&track, two));
    assert_int_equal(track.settled, 10);
    assert_true(track_settle(&track, one));
    assert_int_equal(track.settled, 20);
    assert_int_equal(track_open(&track), 0);
    assert_int_equal(track.count, 3);
    track_forget(&track, 13);
    assert_int_equal(track.count, 1);
    track_forget(&track, 20);
    assert_int_equal(track.count, 0);
    assert_false(track_settle(&track, one)); /* long gone */
    track_done(&track);
}

static void many_frames_grow_it_and_leave_nothing_behind(void **state)
{
    enum { MANY = 1000 };
    struct track track;
    uint64_t numbers[MANY];
    (void)state;
    track_init(&track, 0);
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            assert_true(track_reserve(&track));
            numbers[i] = track_put(&track, track.received + 2);
        }
        for (unsigned i = MANY; i > 0; i--)
            assert_int_equal(track_settle(&track, numbers[i - 1]), i == 1);
        assert_int_equal(track.settled, track.received);
        track_forget(&track, track.settled);
        assert_null(track.grown);
    }
    assert_int_equal(track.settled, 3 * 2 * MANY);
}

static void only_the_newest_frame_is_taken_back(void **state)
{
    struct track track;
    (void)state;
    track_init(&track, 5);
    uint64_t one = track_put(&track, 6), two = track_put(&track, 9);
    assert_false(track_take_back(&track, one));
    assert_true(track_take_back(&track, two));
    assert_int_equal(track.received, 6);
    assert_int_equal(track_put(&track, 8), two);
    assert_true(track_settle(&track, one));
    assert_false(track_take_back(&track, one));
    track_done(&track);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_settled_out_of_order_move_in_order),
        cmocka_unit_test(many_frames_grow_it_and_leave_nothing_behind),
        cmocka_unit_test(only_the_newest_frame_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
