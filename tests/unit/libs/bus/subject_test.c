/* Subjects, headers and names: nothing from outside becomes a command of the line protocol. */
#include "bus/bus_position.h"
#include "bus/bus_subject.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void subjects_and_patterns_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        bool is_subject, is_pattern, is_name;
    } cases[] = { { "readings.7.mqtt", true, true, false }, { "READINGS", true, true, true },
        { "a.*.b", false, true, false }, { "a.>", false, true, false }, { ">", false, true, false },
        { "a.>.b", false, false, false }, { "a*", false, false, false }, { "a.b>", false, false, false },
        { "", false, false, false }, { ".a", false, false, false }, { "a.", false, false, false },
        { "a..b", false, false, false }, { "a b", false, false, false }, { "a\r\nPUB b 0", false, false, false },
        { "a\tb", false, false, false }, { "a\x7f", false, false, false }, { "m\xc3\xa9ter", true, true, true },
        { "a/b", true, true, false }, { NULL, false, false, false } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(bus_subject_is_valid(cases[i].text), cases[i].is_subject);
        assert_int_equal(bus_pattern_is_valid(cases[i].text), cases[i].is_pattern);
        assert_int_equal(bus_name_is_valid(cases[i].text), cases[i].is_name);
    }
}

static void headers_cannot_bring_further_headers(void **state)
{
    (void)state;
    assert_true(bus_header_is_valid("traceparent", "00-ab-cd-01"));
    assert_true(bus_header_is_valid("X", ""));
    assert_true(bus_header_is_valid("X", "with spaces: and colons"));
    assert_false(bus_header_is_valid("X", "a\r\nNats-Msg-Id: b"));
    assert_false(bus_header_is_valid("X", "a\nb"));
    assert_false(bus_header_is_valid("X:", "a"));
    assert_false(bus_header_is_valid("X Y", "a"));
    assert_false(bus_header_is_valid("", "a"));
    assert_false(bus_header_is_valid(NULL, "a"));
    assert_false(bus_header_is_valid("X", NULL));
}

static void positions_are_read_from_both_forms(void **state)
{
    static const struct {
        const char *reply;
        bool ok;
        struct bus_position expect;
    } cases[] = {
        { "$JS.ACK.READINGS.writer.3.1042.77.1700000000000000000.12", true, { 1042, 3, 12 } },
        { "$JS.ACK.hub.ACC.READINGS.writer.1.5.4.1700000000000000000.0", true, { 5, 1, 0 } },
        { "$JS.ACK._.ACC.READINGS.writer.1.5.4.1700000000000000000.9.rand", true, { 5, 1, 9 } },
        { "$JS.ACK.READINGS.writer.3.1042.77.1700000000000000000", false, { 0, 0, 0 } },
        { "$JS.ACK.READINGS.writer.x.1042.77.1700000000000000000.12", false, { 0, 0, 0 } },
        { "$JS.ACK.READINGS.writer.3.-1.77.1700000000000000000.12", false, { 0, 0, 0 } },
        { "$JS.ACK.READINGS.writer.3.1042.77.1700000000000000000.", false, { 0, 0, 0 } },
        { "$JS.ACK.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s", false, { 0, 0, 0 } },
        { "_INBOX.abc.1", false, { 0, 0, 0 } },
        { "", false, { 0, 0, 0 } },
        { NULL, false, { 0, 0, 0 } },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bus_position position = { 0 };
        assert_int_equal(bus_position_parse(cases[i].reply, &position), cases[i].ok);
        assert_int_equal(position.stream_sequence, cases[i].expect.stream_sequence);
        assert_int_equal(position.delivered, cases[i].expect.delivered);
        assert_int_equal(position.pending, cases[i].expect.pending);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subjects_and_patterns_are_told_apart),
        cmocka_unit_test(headers_cannot_bring_further_headers),
        cmocka_unit_test(positions_are_read_from_both_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
