/* The id of a batch that nobody waits for. */
#include "ingest/batch_ticket.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void a_ticket_comes_back_as_it_went(void **state)
{
    (void)state;
    const struct batch_ticket tickets[] = { { 1, 1, 0 }, { 9007199254740993, 100000, 100000 }, { INT64_MAX, 50, 7 } };
    for (size_t i = 0; i < COUNT_OF(tickets); i++) {
        char text[BATCH_TICKET_SIZE];
        struct batch_ticket back;
        batch_ticket_format(text, &tickets[i]);
        assert_true(batch_ticket_parse(&back, text));
        assert_int_equal(back.sequence, tickets[i].sequence);
        assert_int_equal(back.accepted, tickets[i].accepted);
        assert_int_equal(back.refused, tickets[i].refused);
    }
}

static void what_is_none_is_taken_for_none(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "readings-", "readings-1", "readings-1-1", "readings-1-1-",
        "readings-1-1-0-", "readings-0-1-0", "readings-1-0-0", "readings-1-100001-0", "readings-1-1-100001",
        "readings--1-1-0", "readings-1-1--1", "readings-01-1-0", "readings-1-1-00", "readings-9223372036854775808-1-0",
        "registry-1-1-0", "readings-1-1-0x", " readings-1-1-0", "readings-+1-1-0" };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct batch_ticket ticket;
        if (batch_ticket_parse(&ticket, texts[i]))
            fail_msg("taken for a ticket: %s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_comes_back_as_it_went),
        cmocka_unit_test(what_is_none_is_taken_for_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
