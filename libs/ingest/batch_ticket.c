#include "ingest/batch_ticket.h"
#include "base/number.h"
#include "ingest/intake.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void batch_ticket_format(char text[BATCH_TICKET_SIZE], const struct batch_ticket *ticket)
{
    snprintf(text, BATCH_TICKET_SIZE, BATCH_TICKET_OWNER "%" PRIu64 "-%" PRId64 "-%" PRId64, ticket->sequence,
        ticket->accepted, ticket->refused);
}

/* The digits at *at, and one dash behind them unless they are the last. */
static bool take_number(const char **at, bool is_last, int64_t *out_value)
{
    size_t length = strspn(*at, "0123456789");
    if (length == 0 || !number_parse_int(*at, length, out_value) || (*at)[length] != (is_last ? '\0' : '-'))
        return false;
    *at += length + !is_last;
    return true;
}

bool batch_ticket_parse(struct batch_ticket *out_ticket, const char *text)
{
    struct batch_ticket ticket;
    char same[BATCH_TICKET_SIZE];
    const char *whole = text;
    int64_t sequence;
    size_t owner = strlen(BATCH_TICKET_OWNER);
    if (strncmp(text, BATCH_TICKET_OWNER, owner) != 0)
        return false;
    text += owner;
    if (!take_number(&text, false, &sequence) || !take_number(&text, false, &ticket.accepted) ||
        !take_number(&text, true, &ticket.refused))
        return false;
    ticket.sequence = (uint64_t)sequence;
    if (sequence < 1 || ticket.accepted < 1 || ticket.accepted > INTAKE_MOST_READINGS ||
        ticket.refused > INTAKE_MOST_READINGS)
        return false;
    batch_ticket_format(same, &ticket);
    if (strcmp(same, whole) != 0) /* one text for each: no zeros in front */
        return false;
    *out_ticket = ticket;
    return true;
}
