/* The id of a batch whose caller does not wait until it is stored: where it is in the stream READINGS, and how many of
 * its readings were taken and refused. Whoever makes one up learns nothing that is not his tenant's. Any thread. */
#pragma once
#include "base/compiler.h"

enum { BATCH_TICKET_SIZE = 80 };
#define BATCH_TICKET_OWNER "readings-"
struct batch_ticket {
    uint64_t sequence;
    int64_t accepted, refused;
};
/* "readings-<sequence>-<accepted>-<refused>" */
void batch_ticket_format(char text[BATCH_TICKET_SIZE], const struct batch_ticket *ticket);
/* False for what is none. */
MUST_CHECK bool batch_ticket_parse(struct batch_ticket *out_ticket, const char *text);
