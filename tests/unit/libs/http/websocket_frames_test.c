/* Frames of a client, whole and in pieces, good and against the rules. */
#include "http/websocket_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(...) ((const unsigned char[]){ __VA_ARGS__ }), sizeof((const unsigned char[]){ __VA_ARGS__ })

static enum frame_event feed(struct frame_reader *reader, const unsigned char *bytes, size_t size, size_t piece)
{
    enum frame_event event = FRAME_MORE;
    for (size_t at = 0, taken = 0; at < size && event == FRAME_MORE; at += taken)
        event = frame_read(reader, bytes + at, size - at < piece ? size - at : piece, &taken);
    return event;
}

/* RFC 6455, section 5.7: a masked "Hello", here as a ping. */
static const unsigned char hello[] = { 0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58 };

static void a_ping_is_unmasked_however_it_comes(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof hello; piece++) {
        struct frame_reader reader = { 0 };
        assert_int_equal(feed(&reader, hello, sizeof hello, piece), FRAME_CONTROL);
        assert_int_equal(reader.opcode, FRAME_PING);
        assert_int_equal(reader.payload_size, 5);
        assert_memory_equal(reader.payload, "Hello", 5);
    }
}

static void messages_and_their_fragments_are_passed_over(void **state)
{
    struct frame_reader reader = { 0 };
    (void)state;
    assert_int_equal(feed(&reader, BYTES(0x01, 0x81, 1, 2, 3, 4, 'a'), 3), FRAME_MORE); /* not the last */
    assert_int_equal(feed(&reader, hello, sizeof hello, 4), FRAME_CONTROL);             /* between two of them */
    assert_int_equal(feed(&reader, BYTES(0x80, 0x80, 1, 2, 3, 4), 2), FRAME_MORE);
    assert_int_equal(feed(&reader, BYTES(0x82, 0x80, 1, 2, 3, 4), 2), FRAME_MORE);
    assert_int_equal(feed(&reader, BYTES(0x88, 0x80, 1, 2, 3, 4), 2), FRAME_CONTROL);
    assert_int_equal(reader.opcode, FRAME_CLOSE);
    assert_int_equal(reader.payload_size, 0);
}

static void frames_against_the_rules_are_refused(void **state)
{
    static const struct {
        const char *name;
        unsigned char bytes[14];
        enum frame_event expect;
    } cases[] = {
        { "no mask", { 0x81, 0x01 }, FRAME_BROKEN },
        { "reserved bit", { 0xc1, 0x81 }, FRAME_BROKEN },
        { "reserved opcode", { 0x83, 0x81 }, FRAME_BROKEN },
        { "reserved control opcode", { 0x8b, 0x81 }, FRAME_BROKEN },
        { "a part of a ping", { 0x09, 0x81 }, FRAME_BROKEN },
        { "a long ping", { 0x89, 0xfe }, FRAME_BROKEN },
        { "nothing to continue", { 0x80, 0x81 }, FRAME_BROKEN },
        { "64 KiB and a byte", { 0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 9, 9, 9, 9 }, FRAME_TOO_BIG },
        { "all there is", { 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 9, 9, 9, 9 }, FRAME_TOO_BIG },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct frame_reader reader = { 0 };
        size_t size = cases[i].expect == FRAME_BROKEN ? 2 : sizeof cases[i].bytes;
        if (feed(&reader, cases[i].bytes, size, 5) != cases[i].expect)
            fail_msg("%s", cases[i].name);
    }
}

static void many_fragments_are_one_message_and_bounded(void **state)
{
    struct frame_reader reader = { 0 };
    unsigned char frame[8 + 60000] = { 0x01, 0xfe, 60000 >> 8, 60000 & 0xff };
    (void)state;
    assert_int_equal(feed(&reader, frame, sizeof frame, 1000), FRAME_MORE);
    frame[0] = 0x00;
    assert_int_equal(feed(&reader, frame, sizeof frame, 1000), FRAME_TOO_BIG);
}

static void our_heads_have_the_shortest_length(void **state)
{
    unsigned char head[FRAME_HEAD_SIZE];
    (void)state;
    assert_int_equal(frame_head(head, FRAME_TEXT, 125), 2);
    assert_memory_equal(head, "\x81\x7d", 2);
    assert_int_equal(frame_head(head, FRAME_TEXT, 126), 4);
    assert_memory_equal(head, "\x81\x7e\x00\x7e", 4);
    assert_int_equal(frame_head(head, FRAME_CLOSE, 65536), 10);
    assert_memory_equal(head, "\x88\x7f\0\0\0\0\0\1\0\0", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ping_is_unmasked_however_it_comes),
        cmocka_unit_test(messages_and_their_fragments_are_passed_over),
        cmocka_unit_test(frames_against_the_rules_are_refused),
        cmocka_unit_test(many_fragments_are_one_message_and_bounded),
        cmocka_unit_test(our_heads_have_the_shortest_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
