#include "rpc/rpc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void a_traceparent_goes_in_and_out(void **state)
{
    struct trace trace, child;
    char text[TRACEPARENT_SIZE];
    (void)state;
    assert_true(trace_begin(&trace, "00-" TRACE "-" SPAN "-00"));
    assert_string_equal(trace.trace_id, TRACE);
    assert_string_equal(trace.span_id, SPAN);
    assert_string_equal(trace.flags, "00");
    trace_format(text, &trace);
    assert_string_equal(text, "00-" TRACE "-" SPAN "-00");
    trace_child(&child, &trace);
    assert_string_equal(child.trace_id, TRACE);
    assert_string_not_equal(child.span_id, SPAN);
    assert_int_equal(strlen(child.span_id), 16);
    assert_string_equal(child.flags, "00");
}

static void what_is_no_traceparent_begins_a_new_trace(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        { "00-" TRACE "-" SPAN "-01", true },
        { "cc-" TRACE "-" SPAN "-01-what-will-be", true }, /* a later version */
        { "cc-" TRACE "-" SPAN "-01", true },
        { "cc-" TRACE "-" SPAN "-01.", false },
        { "00-" TRACE "-" SPAN "-01-more", false },
        { "ff-" TRACE "-" SPAN "-01", false },
        { "00-" TRACE "-" SPAN "-0", false },
        { "00-" TRACE "-" SPAN "-0g", false },
        { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false },
        { "00-00000000000000000000000000000000-" SPAN "-01", false },
        { "00-" TRACE "-0000000000000000-01", false },
        { "00_" TRACE "-" SPAN "-01", false },
        { "00-" TRACE "_" SPAN "-01", false },
        { "00-" TRACE "-" SPAN "_01", false },
        { "0x-" TRACE "-" SPAN "-01", false },
        { " 00-" TRACE "-" SPAN "-01", false },
        { "", false },
        { NULL, false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trace trace;
        if (trace_begin(&trace, cases[i].text) != cases[i].good)
            fail_msg("%s", cases[i].text ? cases[i].text : "NULL");
        assert_int_equal(strlen(trace.trace_id), 32);
        assert_int_equal(strlen(trace.span_id), 16);
        assert_int_equal(strcmp(trace.trace_id, TRACE) == 0, cases[i].good);
    }
}

static void new_traces_differ(void **state)
{
    struct trace one, two;
    (void)state;
    trace_begin(&one, NULL);
    trace_begin(&two, NULL);
    assert_string_not_equal(one.trace_id, two.trace_id);
    assert_string_equal(one.flags, "01");
}

static void kinds_survive_their_status(void **state)
{
    static const enum err_kind same[] = { ERR_NONE, ERR_INPUT, ERR_UNAUTHENTICATED, ERR_DENIED, ERR_NOT_FOUND,
        ERR_CONFLICT, ERR_PRECONDITION, ERR_TRANSIENT, ERR_DEADLINE, ERR_LIMIT, ERR_BUG };
    static const struct {
        int status;
        enum err_kind kind;
    } others[] = { { 1, ERR_BUG }, { 2, ERR_BUG }, { 9, ERR_PRECONDITION }, { 10, ERR_CONFLICT }, { 11, ERR_INPUT },
        { 12, ERR_TRANSIENT }, { 15, ERR_BUG }, { -1, ERR_BUG }, { 99, ERR_BUG } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(same); i++)
        assert_int_equal(rpc_kind_of(rpc_status_of(same[i])), same[i]);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(rpc_kind_of(others[i].status), others[i].kind);
    assert_int_equal(rpc_status_of(ERR_CONFIG), 13);
    assert_int_equal(rpc_status_of((enum err_kind)99), 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traceparent_goes_in_and_out),
        cmocka_unit_test(what_is_no_traceparent_begins_a_new_trace),
        cmocka_unit_test(new_traces_differ),
        cmocka_unit_test(kinds_survive_their_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
