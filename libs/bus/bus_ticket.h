/* Numbered places for what is awaited: a ticket is good for one answer, and an answer to a ticket that was returned
 * finds nothing, even after its place was given to another. Not for sharing between threads: the owner locks. */
#pragma once
#include "base/compiler.h"

struct bus_ticket_place;
struct bus_tickets {
    struct bus_ticket_place *places;
    size_t ceiling;
    size_t issued; /* how many are out */
    size_t free_first;
};

enum { BUS_MOST_TICKETS = 1 << 20, BUS_TICKET_TEXT_SIZE = 24 };

/* In place; false when memory is out or ceiling is 0 or above BUS_MOST_TICKETS. */
MUST_CHECK bool bus_tickets_init(struct bus_tickets *tickets, size_t ceiling);
void bus_tickets_done(struct bus_tickets *tickets);
/* False at the ceiling. value must not be NULL. */
MUST_CHECK bool bus_ticket_issue(struct bus_tickets *tickets, void *value, uint64_t *out_ticket);
/* Which place (0 .. ceiling - 1) it stands for, whether it is out or not. */
size_t bus_ticket_place(uint64_t ticket);
/* NULL if it is not out. */
void *bus_ticket_value(const struct bus_tickets *tickets, uint64_t ticket);
/* The ticket that is out at this place (0 .. ceiling - 1); false if none is. */
MUST_CHECK bool bus_ticket_at(const struct bus_tickets *tickets, size_t place, uint64_t *out_ticket);
/* Gives the value back, NULL if it is not out. */
void *bus_ticket_return(struct bus_tickets *tickets, uint64_t ticket);

/* As the last token of a subject. */
void bus_ticket_format(char *target, size_t target_size, const char *prefix, uint64_t ticket);
MUST_CHECK bool bus_ticket_parse(const char *subject, uint64_t *out_ticket);
