/* One batch of a gather: the rows of many messages of one tenant, whom to tell, and, once it is closed, the encoded
 * message that is sent until the stream has it. Inside libs/ingest only. */
#pragma once
#include "base/buffer.h"
#include "ingest/batch_publish.h"
#include "ingest/gather.h"

/* With as many marks the longest batch still fits into NATS' preset of 1 MiB. */
enum { GATHER_DEVICE_SIZE = 37, GATHER_MOST_MARKS = 8192 };
struct gather_batch {
    struct gather *gather;
    struct gather_batch *next; /* of the list it is in */
    struct gather_tenant *tenant;
    struct batch_columns columns; /* grown as needed */
    size_t capacity;
    struct gather_ticket *tickets;
    size_t ticket_count, ticket_capacity;
    struct device_mark *marks;
    size_t mark_count, mark_capacity;
    int64_t opened_us, received_at, due_us; /* due_us: when to send it (again) */
    char device_id[GATHER_DEVICE_SIZE];
    bool is_of_many_devices;
    const char *codec; /* NULL: several */
    struct uuid id;
    struct buffer body;
    struct err landed; /* of its last try */
    unsigned tries;
};
MUST_CHECK struct gather_batch *gather_batch_new(struct gather *gather, struct gather_tenant *tenant);
void gather_batch_free(struct gather_batch *batch);
/* All rows, the marks of the readings and the ticket, or nothing: false without memory. */
MUST_CHECK bool gather_batch_add(struct gather_batch *batch, const struct batch_columns *columns,
    const struct intake_request *request, const struct raw_readings *readings, const struct gather_ticket *ticket);
/* Lays the message out; the columns go. */
MUST_CHECK bool gather_batch_close(
    struct gather_batch *batch, int32_t tenant_id, const char *protocol, struct err *err);
