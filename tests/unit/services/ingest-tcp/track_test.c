/* What is settled up to where, whichever frame is settled first. */
#include "track.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* after the four that it needs */
#include <cmocka.h>

static const struct sequence_gaps none;

static void frames_settled_out_of_order_move_in_order(void **state)
{
    struct track track;
    (void)state;
    track_init(&track, 10, &none);
    assert_true(track_reserve(&track));
    uint64_t one = track_put(&track, 11, 12), two = track_put(&track, 13, 13), three = track_put(&track, 14, 20);
    assert_int_equal(track.received, 20);
    assert_false(track_settle(&track, three));
    assert_false(track_settle(&track, two));
    assert_int_equal(track.settled, 10);
    assert_true(track_settle(&track, one));
    assert_int_equal(track.settled, 20);
    assert_int_equal(track_open(&track), 0);
    assert_int_equal(track.count, 3);
    track_forget(&track, three);
    assert_int_equal(track.count, 1);
    track_forget(&track, three + 1);
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
    track_init(&track, 0, &none);
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            assert_true(track_reserve(&track));
            numbers[i] = track_put(&track, track.received + 1, track.received + 2);
        }
        for (unsigned i = MANY; i > 0; i--)
            assert_int_equal(track_settle(&track, numbers[i - 1]), i == 1);
        assert_int_equal(track.settled, track.received);
        track_forget(&track, track_settled_before(&track));
        assert_null(track.grown);
    }
    assert_int_equal(track.settled, 3 * 2 * MANY);
}

static void only_the_newest_frame_is_taken_back(void **state)
{
    struct track track;
    (void)state;
    track_init(&track, 5, &none);
    uint64_t one = track_put(&track, 6, 6), two = track_put(&track, 9, 9);
    assert_false(track_take_back(&track, one));
    assert_true(track_take_back(&track, two));
    assert_int_equal(track.received, 6);
    assert_int_equal(track_put(&track, 7, 8), two);
    assert_true(track_settle(&track, one));
    assert_false(track_take_back(&track, one));
    track_done(&track);
}

static void a_gap_is_known_when_it_is_settled_and_closed_when_the_late_ones_are(void **state)
{
    struct track track;
    (void)state;
    track_init(&track, 0, &none);
    uint64_t one = track_put(&track, 1, 1), five = track_put(&track, 5, 6);
    assert_true(track_may_lack(&track, 3, 3)); /* though nothing is settled yet */
    assert_false(track_may_lack(&track, 5, 6));
    assert_true(track_settle(&track, one));
    assert_int_equal(track.gaps.count, 0);
    assert_true(track_settle(&track, five));
    assert_int_equal(sequence_gaps_missing(&track.gaps), 3);
    uint64_t three = track_put(&track, 3, 3);
    assert_int_equal(track.received, 6);
    assert_false(track_may_lack(&track, 3, 3)); /* it is under way: a repetition is one */
    assert_true(track_may_lack(&track, 2, 3));
    assert_int_equal(sequence_gaps_missing(&track.gaps), 3);
    assert_true(track_settle(&track, three));
    assert_int_equal(track.settled, 6);
    assert_int_equal(sequence_gaps_missing(&track.gaps), 2);
    assert_int_equal(track.gaps.late, 1);
    track_forget(&track, track_settled_before(&track));
    assert_int_equal(track.count, 0);
    track_done(&track);
}

static void a_late_frame_that_is_taken_back_is_lacking_again(void **state)
{
    struct track track;
    (void)state;
    track_init(&track, 0, &none);
    uint64_t five = track_put(&track, 5, 5), three = track_put(&track, 3, 3);
    assert_true(track_take_back(&track, three));
    assert_int_equal(track.received, 5);
    assert_true(track_may_lack(&track, 3, 3));
    assert_true(track_settle(&track, five));
    track_done(&track);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_settled_out_of_order_move_in_order),
        cmocka_unit_test(many_frames_grow_it_and_leave_nothing_behind),
        cmocka_unit_test(only_the_newest_frame_is_taken_back),
        cmocka_unit_test(a_gap_is_known_when_it_is_settled_and_closed_when_the_late_ones_are),
        cmocka_unit_test(a_late_frame_that_is_taken_back_is_lacking_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
