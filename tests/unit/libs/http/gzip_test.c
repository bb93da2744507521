#include "http/http_gzip.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

enum { CEILING = 1000000, PACKED_SIZE = 64 * 1024 };

static unsigned char packed[PACKED_SIZE];

static size_t pack(size_t at, const void *data, size_t size)
{
    z_stream stream = { 0 };
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)(uintptr_t)data;
    stream.avail_in = (unsigned)size;
    stream.next_out = packed + at;
    stream.avail_out = (unsigned)(sizeof packed - at);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t end = sizeof packed - stream.avail_out;
    deflateEnd(&stream);
    return end;
}

static enum err_kind open_packed(size_t size, size_t ceiling, struct buffer *out)
{
    struct err err = { 0 };
    out->ceiling_bytes = ceiling + HTTP_GZIP_PIECE + 1;
    return http_gzip_open(out, packed, size, ceiling, &err) ? ERR_NONE : err.kind;
}

static void what_was_packed_comes_out(void **state)
{
    (void)state;
    static char plain[CEILING];
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (char)('a' + i % 7);
    const size_t sizes[] = { 0, 1, HTTP_GZIP_PIECE - 1, HTTP_GZIP_PIECE, HTTP_GZIP_PIECE + 1, CEILING };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        AUTO_INPLACE(buffer) out = { 0 };
        assert_int_equal(open_packed(pack(0, plain, sizes[i]), CEILING, &out), ERR_NONE);
        assert_int_equal(out.size, sizes[i]);
        assert_memory_equal(out.data, plain, sizes[i]);
    }
}

static void members_are_joined(void **state)
{
    (void)state;
    AUTO_INPLACE(buffer) out = { 0 };
    size_t end = pack(0, "water", 5);
    end = pack(end, "works", 5);
    assert_int_equal(open_packed(end, CEILING, &out), ERR_NONE);
    assert_int_equal(out.size, 10);
    assert_memory_equal(out.data, "waterworks", 10);
}

static void a_bomb_stops_at_the_ceiling(void **state)
{
    (void)state;
    AUTO_INPLACE(buffer) out = { 0 };
    AUTO_INPLACE(buffer) zeros = { 0 };
    char *room = buffer_room(&zeros, 8 * CEILING);
    assert_non_null(room);
    memset(room, 0, 8 * CEILING);
    assert_int_equal(open_packed(pack(0, room, 8 * CEILING), CEILING, &out), ERR_LIMIT);
    assert_true(out.size <= CEILING + HTTP_GZIP_PIECE);
}

static void a_body_cut_anywhere_is_refused(void **state)
{
    (void)state;
    size_t size = pack(0, "readings of the night", 21);
    for (size_t cut = 1; cut < size; cut++) {
        AUTO_INPLACE(buffer) out = { 0 };
        assert_int_equal(open_packed(cut, CEILING, &out), ERR_INPUT);
    }
}

static void damage_and_trailing_bytes_are_refused(void **state)
{
    (void)state;
    AUTO_INPLACE(buffer) out = { 0 };
    size_t size = pack(0, "readings of the night", 21);
    packed[size] = 'x';
    assert_int_equal(open_packed(size + 1, CEILING, &out), ERR_INPUT);
    packed[size - 8] ^= 1; /* the CRC */
    buffer_reset(&out);
    assert_int_equal(open_packed(size, CEILING, &out), ERR_INPUT);
    memcpy(packed, "plain text", 10);
    buffer_reset(&out);
    assert_int_equal(open_packed(10, CEILING, &out), ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_out),
        cmocka_unit_test(members_are_joined),
        cmocka_unit_test(a_bomb_stops_at_the_ceiling),
        cmocka_unit_test(a_body_cut_anywhere_is_refused),
        cmocka_unit_test(damage_and_trailing_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
