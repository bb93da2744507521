/* Tickets: one answer each, and none for a ticket that was returned. */
#include "bus/bus_ticket.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void tickets_end_at_the_ceiling(void **state)
{
    struct bus_tickets tickets;
    uint64_t issued[3], more;
    int value = 0;
    (void)state;
    assert_true(bus_tickets_init(&tickets, 3));
    for (size_t i = 0; i < 3; i++)
        assert_true(bus_ticket_issue(&tickets, &value, &issued[i]));
    assert_false(bus_ticket_issue(&tickets, &value, &more));
    assert_ptr_equal(bus_ticket_return(&tickets, issued[1]), &value);
    assert_int_equal(tickets.issued, 2);
    assert_true(bus_ticket_issue(&tickets, &value, &more));
    assert_int_not_equal(more, issued[1]);
    assert_int_equal(bus_ticket_place(more), bus_ticket_place(issued[1]));
    bus_tickets_done(&tickets);
}

static void a_returned_ticket_finds_nothing_even_when_its_place_is_taken(void **state)
{
    struct bus_tickets tickets;
    uint64_t first, second, at;
    int old = 0, new = 0;
    (void)state;
    assert_true(bus_tickets_init(&tickets, 1));
    assert_false(bus_ticket_at(&tickets, 0, &at));
    assert_true(bus_ticket_issue(&tickets, &old, &first));
    assert_ptr_equal(bus_ticket_value(&tickets, first), &old);
    assert_ptr_equal(bus_ticket_return(&tickets, first), &old);
    assert_null(bus_ticket_value(&tickets, first));
    assert_null(bus_ticket_return(&tickets, first));
    assert_true(bus_ticket_issue(&tickets, &new, &second));
    assert_null(bus_ticket_value(&tickets, first));
    assert_ptr_equal(bus_ticket_value(&tickets, second), &new);
    assert_true(bus_ticket_at(&tickets, 0, &at));
    assert_int_equal(at, second);
    assert_false(bus_ticket_at(&tickets, 1, &at));
    assert_null(bus_ticket_value(&tickets, second + 1)); /* a place beyond the ceiling */
    bus_tickets_done(&tickets);
}

static void a_table_has_a_size_in_range_and_values_are_not_null(void **state)
{
    struct bus_tickets tickets;
    uint64_t ticket;
    (void)state;
    assert_false(bus_tickets_init(&tickets, 0));
    assert_false(bus_tickets_init(&tickets, (size_t)BUS_MOST_TICKETS + 1));
    assert_false(bus_ticket_issue(&tickets, &ticket, &ticket));
    bus_tickets_done(&tickets);
    assert_true(bus_tickets_init(&tickets, 1));
    assert_false(bus_ticket_issue(&tickets, NULL, &ticket));
    bus_tickets_done(&tickets);
}

static void a_ticket_travels_as_the_last_token_of_a_subject(void **state)
{
    static const char *const bad[] = { "", "a", "a.", "a.12x", "a.1F", "a.11112222333344445", "a.-1" };
    char subject[64];
    uint64_t back = 0;
    (void)state;
    bus_ticket_format(subject, sizeof subject, "_INBOX.x", 0xabc0123456789def);
    assert_string_equal(subject, "_INBOX.x.abc0123456789def");
    assert_true(bus_ticket_parse(subject, &back));
    assert_true(back == 0xabc0123456789def);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(bus_ticket_parse(bad[i], &back));
    assert_false(bus_ticket_parse(NULL, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_end_at_the_ceiling),
        cmocka_unit_test(a_returned_ticket_finds_nothing_even_when_its_place_is_taken),
        cmocka_unit_test(a_table_has_a_size_in_range_and_values_are_not_null),
        cmocka_unit_test(a_ticket_travels_as_the_last_token_of_a_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
