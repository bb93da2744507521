#include "sequence_teller.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rounds.h"
#include "ingest/gap_event.h"
#include "sequence_store.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUND_MS = 1000, MESSAGES_AT_ONCE = 200, MOST_A_ROUND = 500, PUBLISH_MS = 2000, EVENT_BYTES = 4096 };
#define ARENA_BYTES ((size_t)512 << 20)

struct sequence_teller {
    struct writer_shared *shared;
    struct arena arena;
    bool is_failing; /* said once */
    struct rounds *rounds;
};

static bool tell(struct sequence_teller *teller, const struct untold_sequence *untold, struct err *err)
{
    AUTO_INPLACE(buffer) body = { .ceiling_bytes = EVENT_BYTES };
    Nwims__V1__DeviceGaps event;
    struct gap_ranges ranges;
    char subject[64], id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    gap_event_fill(&event, &ranges,
        &(struct gap_report){ .tenant_id = untold->tenant_id,
            .device_id = untold->device_id,
            .protocol = untold->protocol,
            .epoch = untold->state.epoch,
            .gaps = &untold->state.gaps });
    if (!wire_encode(&body, &event.base, err))
        return false;
    uuid_format(id, &uuid);
    snprintf(subject, sizeof subject, "events.%" PRId32 ".gaps", untold->tenant_id);
    const struct bus_outgoing message = { .subject = subject, .data = body.data, .size = body.size };
    if (!bus_publish(teller->shared->bus, &message, id, PUBLISH_MS, NULL, err))
        return false;
    metric_add(teller->shared->metrics.gaps_told, 1);
    return true;
}

/* A device that never missed anything has nothing to tell. */
static bool tell_all(struct sequence_teller *teller, const struct untold_sequence *items, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if ((items[i].was_told || items[i].state.gaps.missed > 0) && !tell(teller, &items[i], err))
            return false;
    return true;
}

static bool take_all(struct sequence_teller *teller, struct store_session *session, struct err *err)
{
    struct writer_shared *shared = teller->shared;
    int64_t stored_to = atomic_load(&shared->stored_to), epoch = atomic_load(&shared->stream_epoch);
    size_t taken = MESSAGES_AT_ONCE;
    while (stored_to > 0 && taken == MESSAGES_AT_ONCE && !rounds_is_stopping(teller->rounds))
        if (!sequence_store_take(session, epoch, stored_to, MESSAGES_AT_ONCE, &teller->arena, &taken, err))
            return false;
    return true;
}

static bool run_round(struct sequence_teller *teller, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct untold_sequence *items = NULL;
    size_t count = MOST_A_ROUND;
    if (!store_session_open(&session, teller->shared->store, err) || !take_all(teller, session, err))
        return false;
    while (count == MOST_A_ROUND && !rounds_is_stopping(teller->rounds)) {
        arena_reset(&teller->arena);
        if (!sequence_store_untold(session, MOST_A_ROUND, &teller->arena, &items, &count, err))
            return false;
        if (count > 0 &&
            (!tell_all(teller, items, count, err) || !sequence_store_told(session, items, count, &teller->arena, err)))
            return false;
    }
    return true;
}

static int64_t run(void *context)
{
    struct sequence_teller *teller = context;
    struct err err = { 0 };
    bool ok = run_round(teller, &err);
    if (!ok && !teller->is_failing)
        log_warn(NULL, "gaps.untold", LOG_ERR(&err));
    teller->is_failing = !ok;
    return ROUND_MS;
}

static void teller_free(struct sequence_teller *teller)
{
    arena_done(&teller->arena);
    free(teller);
}

bool sequence_teller_start(struct sequence_teller **out_teller, struct writer_shared *shared, struct err *err)
{
    struct sequence_teller *teller = calloc(1, sizeof *teller);
    if (!teller)
        return err_set(err, ERR_TRANSIENT, "no memory to tell of gaps");
    teller->shared = shared;
    arena_init(&teller->arena, ARENA_BYTES);
    const struct rounds_config config = { .what = "the teller of gaps", .run = run, .context = teller };
    if (!rounds_start(&teller->rounds, &config, err)) {
        teller_free(teller);
        return false;
    }
    *out_teller = teller;
    return true;
}

void sequence_teller_stop(struct sequence_teller *teller)
{
    if (!teller)
        return;
    rounds_stop(teller->rounds);
    teller_free(teller);
}
