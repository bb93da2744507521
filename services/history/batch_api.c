/* What became of a batch that its caller did not wait for. Its id says where it is in the stream and how many readings
 * were taken and refused; whether it is stored says the ledger of batch-writer, which keeps a position for 24 hours. */
#include "auth/auth.h"
#include "base/number.h"
#include "history.h"
#include "ingest/batch_ticket.h"
#include "store/store.h"
#include <stdio.h>
#include <string.h>

static bool not_found(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such batch; what became of one is told for 24 hours");
}

struct position {
    int64_t epoch;
    bool is_open; /* batch-writer is not past it */
};

/* Read before the ledger: what is committed in between is found there. */
static bool find_position(
    struct history *history, const struct batch_ticket *ticket, struct position *out_position, struct err *err)
{
    struct bus_stream_state stream;
    uint64_t acknowledged;
    if (!bus_stream_inspect(history->bus, "READINGS", &stream, err) ||
        !bus_durable_acknowledged(history->bus, "READINGS", "batch-writer", &acknowledged, err)) {
        if (err->kind == ERR_NOT_FOUND) /* nobody stores yet */
            err->kind = ERR_TRANSIENT;
        return false;
    }
    out_position->epoch = stream.created_at_us;
    out_position->is_open = ticket->sequence > acknowledged && ticket->sequence <= stream.last_sequence;
    return true;
}

static bool read_ledger(struct history *history, const struct rpc_call *call, const struct batch_ticket *ticket,
    int64_t epoch, struct store_result **out_rows, struct err *err)
{
    AUTO(store_session) session = NULL;
    return store_session_open(&session, history->store, err) && store_begin(session, call->caller->tenant_id, err) &&
           store_query(session, out_rows,
               "SELECT stored, duplicate, committed_at FROM telemetry.committed_message WHERE stream_epoch = $1::int8 "
               "AND "
               "stream_sequence = $2::int8 AND tenant_id = $3::int4 AND stored + duplicate = $4::int8",
               PARAMS(PARAM_INT(epoch), PARAM_INT((int64_t)ticket->sequence), PARAM_INT(call->caller->tenant_id),
                   PARAM_INT(ticket->accepted)),
               err) &&
           store_commit(session, err);
}

static bool fill(Nwims__V1__Job *job, const struct batch_ticket *ticket, const char *id,
    const struct store_result *rows, struct arena *arena)
{
    bool is_stored = store_result_rows(rows) == 1;
    job->id = arena_text(arena, id);
    job->kind = arena_text(arena, "readings");
    job->state = arena_text(arena, is_stored ? "done" : "queued");
    job->has_total = job->has_done = job->has_failed = job->has_refused = true;
    job->total = ticket->accepted + ticket->refused;
    job->refused = job->failed = ticket->refused;
    job->done = is_stored ? job->total : ticket->refused;
    job->has_stored = job->has_duplicate = job->has_finished_at = is_stored;
    if (is_stored) {
        job->stored = store_result_int(rows, 0, 0);
        job->duplicate = store_result_int(rows, 0, 1);
        job->finished_at = store_result_time(rows, 0, 2);
    }
    return job->id && job->kind && job->state;
}

bool batch_get(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    const Nwims__V1__ById *request = input;
    const char *permissions = call->caller->permissions;
    AUTO(store_result) rows = NULL;
    struct batch_ticket ticket;
    struct position position;
    if (call->caller->tenant_id <= 0 ||
        !(permission_granted(permissions, "readings:read") || permission_granted(permissions, "readings:write")))
        return err_set(err, ERR_DENIED, "this needs the permission readings:read or readings:write");
    if (!batch_ticket_parse(&ticket, request->id ? request->id : ""))
        return not_found(err);
    if (!find_position(context, &ticket, &position, err) ||
        !read_ledger(context, call, &ticket, position.epoch, &rows, err))
        return false;
    if (store_result_rows(rows) != 1 && !position.is_open)
        return not_found(err);
    return fill(output, &ticket, request->id, rows, call->arena) ||
           err_set(err, ERR_LIMIT, "no memory left for the answer");
}
