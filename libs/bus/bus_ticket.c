#include "bus/bus_ticket.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE_BITS = 20 };
static const size_t NO_PLACE = SIZE_MAX;

struct bus_ticket_place {
    void *value;         /* NULL: free                                     */
    uint64_t generation; /* how often it was given back: an old ticket differs */
    size_t next_free;
};

bool bus_tickets_init(struct bus_tickets *tickets, size_t ceiling)
{
    *tickets = (struct bus_tickets){ .free_first = NO_PLACE };
    if (ceiling == 0 || ceiling > BUS_MOST_TICKETS)
        return false;
    tickets->places = calloc(ceiling, sizeof *tickets->places);
    if (!tickets->places)
        return false;
    tickets->ceiling = ceiling;
    tickets->free_first = 0;
    for (size_t i = 0; i < ceiling; i++)
        tickets->places[i].next_free = i + 1 < ceiling ? i + 1 : NO_PLACE;
    return true;
}

void bus_tickets_done(struct bus_tickets *tickets)
{
    free(tickets->places);
    *tickets = (struct bus_tickets){ .free_first = NO_PLACE };
}

static uint64_t ticket_of(const struct bus_tickets *tickets, size_t place)
{
    return tickets->places[place].generation << PLACE_BITS | place;
}

bool bus_ticket_issue(struct bus_tickets *tickets, void *value, uint64_t *out_ticket)
{
    size_t place = tickets->free_first;
    if (place == NO_PLACE || !value)
        return false;
    tickets->free_first = tickets->places[place].next_free;
    tickets->places[place].value = value;
    tickets->issued++;
    *out_ticket = ticket_of(tickets, place);
    return true;
}

size_t bus_ticket_place(uint64_t ticket)
{
    return (size_t)(ticket & (((uint64_t)1 << PLACE_BITS) - 1));
}

static struct bus_ticket_place *find(const struct bus_tickets *tickets, uint64_t ticket)
{
    size_t place = bus_ticket_place(ticket);
    if (place >= tickets->ceiling || !tickets->places[place].value || ticket_of(tickets, place) != ticket)
        return NULL;
    return &tickets->places[place];
}

void *bus_ticket_value(const struct bus_tickets *tickets, uint64_t ticket)
{
    const struct bus_ticket_place *place = find(tickets, ticket);
    return place ? place->value : NULL;
}

bool bus_ticket_at(const struct bus_tickets *tickets, size_t place, uint64_t *out_ticket)
{
    if (place >= tickets->ceiling || !tickets->places[place].value)
        return false;
    *out_ticket = ticket_of(tickets, place);
    return true;
}

void *bus_ticket_return(struct bus_tickets *tickets, uint64_t ticket)
{
    struct bus_ticket_place *place = find(tickets, ticket);
    if (!place)
        return NULL;
    void *value = place->value;
    place->value = NULL;
    place->generation = (place->generation + 1) & (UINT64_MAX >> PLACE_BITS);
    place->next_free = tickets->free_first;
    tickets->free_first = (size_t)(place - tickets->places);
    tickets->issued--;
    return value;
}

void bus_ticket_format(char *target, size_t target_size, const char *prefix, uint64_t ticket)
{
    snprintf(target, target_size, "%s.%llx", prefix, (unsigned long long)ticket);
}

static bool hex_digit(char c, unsigned *out_digit)
{
    if (c >= '0' && c <= '9')
        *out_digit = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out_digit = (unsigned)(c - 'a') + 10;
    else
        return false;
    return true;
}

bool bus_ticket_parse(const char *subject, uint64_t *out_ticket)
{
    const char *token = subject ? strrchr(subject, '.') : NULL;
    if (!token)
        return false;
    uint64_t ticket = 0;
    size_t length = strlen(++token);
    if (length == 0 || length > 16)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned digit;
        if (!hex_digit(token[i], &digit))
            return false;
        ticket = ticket << 4 | digit;
    }
    *out_ticket = ticket;
    return true;
}
