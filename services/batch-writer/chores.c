#include "chores.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rounds.h"
#include "partition_store.h"
#include "rollup.h"
#include <stdlib.h>

enum { HOURLY_MS = 3600 * 1000, RETRY_MS = 5000, BUSY_SHARE = 19, MOST_ROUNDS_BEHIND = 40, LEAST_MARKS = 1000 };
#define ARENA_BYTES ((size_t)256 << 20)

struct chores {
    struct writer_shared *shared;
    struct partition_list partitions;
    struct arena arena;
    int64_t marks;     /* taken in a round: fewer after one that failed, which may have been too long */
    int64_t hourly_at; /* monotonic: when to do next what is done by the hour */
    struct rounds *rounds;
};

/* Rollups may wait: history reads around what is still due, and marks that wait grow together. While readings queue up
 * they get a twentieth of the time, unless they are so far behind that the marks themselves become a burden. */
int64_t chores_pause_ms(int64_t rollup_ms, int64_t took_ms, bool is_busy, bool is_full, int64_t rounds_behind)
{
    bool is_polite = is_busy && rounds_behind < MOST_ROUNDS_BEHIND;
    int64_t fair_ms = took_ms * (is_polite ? BUSY_SHARE : 1);
    return (is_full && !is_polite) || fair_ms > rollup_ms ? fair_ms : rollup_ms;
}

static bool make_partitions(struct chores *chores, struct err *err)
{
    const struct batch_writer_config *config = chores->shared->config;
    AUTO(store_session) session = NULL;
    size_t made = 0;
    if (!store_session_open(&session, chores->shared->store, err) ||
        !partition_make_ahead(
            &chores->partitions, session, clock_now_us(), config->partition_days, config->partitions_ahead, &made, err))
        return false;
    if (made > 0)
        log_info(NULL, "partitions.made", LOG_COUNT("count", made));
    metric_add(chores->shared->metrics.partitions_made, made);
    return true;
}

static void run_hourly(struct chores *chores)
{
    struct err err = { 0 };
    int64_t removed = 0;
    bool ok = make_partitions(chores, &err) &&
              ledger_prune(chores->shared->store, chores->shared->config->ledger_hours, &removed, &err);
    if (!ok)
        log_warn(NULL, "chores.failed", LOG_ERR(&err));
    else if (removed > 0)
        log_info(NULL, "ledger.pruned", LOG_COUNT("rows", removed));
    chores->hourly_at = clock_monotonic_us() + (ok ? HOURLY_MS : RETRY_MS) * INT64_C(1000);
}

/* The pause until the next round. */
static int64_t run_rollup(struct chores *chores)
{
    const struct batch_writer_config *config = chores->shared->config;
    struct err err = { 0 };
    struct rollup_round round = { 0 };
    int64_t began_us = clock_monotonic_us();
    if (!rollup_run(chores->shared->store, clock_now_us(), chores->marks, &chores->arena, &round, &err)) {
        log_warn(NULL, "rollup.failed", LOG_COUNT("marks", chores->marks), LOG_ERR(&err));
        chores->marks = chores->marks / 2 > LEAST_MARKS ? chores->marks / 2 : LEAST_MARKS;
        return config->rollup_ms > RETRY_MS ? config->rollup_ms : RETRY_MS;
    }
    int64_t took_us = clock_monotonic_us() - began_us;
    chores->marks = chores->marks < config->rollup_marks / 2 ? chores->marks * 2 : config->rollup_marks;
    if (!round.is_mine)
        return config->rollup_ms;
    metric_set(chores->shared->metrics.rollup_waiting, (double)round.waiting);
    metric_observe(chores->shared->metrics.rollup_seconds, (double)took_us / MICROSECONDS);
    bool is_busy =
        atomic_load_explicit(&chores->shared->full_at, memory_order_relaxed) > began_us - config->rollup_ms * 1000;
    return chores_pause_ms(
        config->rollup_ms, took_us / 1000, is_busy, round.is_full, round.waiting / config->rollup_marks);
}

static int64_t run(void *context)
{
    struct chores *chores = context;
    if (clock_monotonic_us() >= chores->hourly_at)
        run_hourly(chores);
    return run_rollup(chores);
}

static void chores_free(struct chores *chores)
{
    partition_list_done(&chores->partitions);
    arena_done(&chores->arena);
    free(chores);
}

bool chores_start(struct chores **out_chores, struct writer_shared *shared, struct err *err)
{
    struct chores *chores = calloc(1, sizeof *chores);
    if (!chores)
        return err_set(err, ERR_TRANSIENT, "no memory for chores");
    chores->shared = shared;
    chores->marks = shared->config->rollup_marks;
    partition_list_init(&chores->partitions);
    arena_init(&chores->arena, ARENA_BYTES);
    const struct rounds_config config = { .what = "the chores", .run = run, .context = chores };
    if (!rounds_start(&chores->rounds, &config, err)) {
        chores_free(chores);
        return false;
    }
    *out_chores = chores;
    return true;
}

void chores_stop(struct chores *chores)
{
    if (!chores)
        return;
    rounds_stop(chores->rounds);
    chores_free(chores);
}
