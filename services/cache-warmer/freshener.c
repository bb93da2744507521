#include "freshener.h"
#include "asked.h"
#include "base/clock.h"
#include "base/rounds.h"
#include "metrics/metrics.h"
#include <pthread.h>
#include <stdlib.h>

/* Answers kept for less than LEAST_KEEP_MS would be gone before they were there. */
enum { STEP_MS = 50, LEAST_KEEP_MS = 500, STACK_BYTES = 256 * 1024 };

struct freshener {
    struct filler filler;
    pthread_mutex_t lock; /* guards the list */
    struct asked_list list;
    struct rounds *rounds;
    struct metric *keys, *sensors;
};

static bool take_due(struct freshener *freshener, int64_t keep_ms, struct asked_sensor *out_sensor)
{
    pthread_mutex_lock(&freshener->lock);
    bool is_due = asked_take_due(&freshener->list, keep_ms, clock_monotonic_us(), out_sensor);
    metric_set(freshener->sensors, (double)freshener->list.count);
    pthread_mutex_unlock(&freshener->lock);
    return is_due;
}

static bool may_work(const struct freshener *freshener)
{
    return !rounds_is_stopping(freshener->rounds) && freshener->filler.may_go_on(freshener->filler.context);
}

static int64_t run(void *context)
{
    struct freshener *freshener = context;
    struct cache_policies policies;
    struct asked_sensor sensor;
    cache_policies_get(freshener->filler.cache, &policies);
    int64_t keep_ms = policies.of[CACHE_STATISTICS].keep_ms;
    while (keep_ms >= LEAST_KEEP_MS && may_work(freshener) && take_due(freshener, keep_ms, &sensor)) {
        struct fill_result result;
        fill_statistics_of(&freshener->filler, sensor.tenant_id, sensor.id, &result);
        metric_add(freshener->keys, (uint64_t)result.keys);
    }
    return STEP_MS;
}

void freshener_note(struct freshener *freshener, int32_t tenant_id, const char *path)
{
    char id[ASKED_ID_SIZE];
    if (!asked_parse_path(id, path))
        return;
    pthread_mutex_lock(&freshener->lock);
    asked_note(&freshener->list, tenant_id, id, clock_monotonic_us());
    pthread_mutex_unlock(&freshener->lock);
}

void freshener_spoil(struct freshener *freshener, int32_t tenant_id)
{
    pthread_mutex_lock(&freshener->lock);
    asked_spoil(&freshener->list, tenant_id);
    pthread_mutex_unlock(&freshener->lock);
}

struct freshener *freshener_new(void)
{
    struct freshener *freshener = calloc(1, sizeof *freshener);
    if (!freshener)
        return NULL;
    pthread_mutex_init(&freshener->lock, NULL);
    freshener->keys =
        metrics_counter("nwims_warmer_refreshed_total", NULL, "Statistics made anew because they are asked for.");
    freshener->sensors = metrics_gauge("nwims_warmer_asked", NULL, "Sensors whose statistics are asked for.");
    return freshener;
}

void freshener_free(struct freshener *freshener)
{
    if (!freshener)
        return;
    pthread_mutex_destroy(&freshener->lock);
    free(freshener);
}

bool freshener_start(struct freshener *freshener, const struct filler *filler, struct err *err)
{
    freshener->filler = *filler;
    const struct rounds_config rounds = {
        .what = "fresh statistics", .run = run, .context = freshener, .stack_bytes = STACK_BYTES
    };
    return rounds_start(&freshener->rounds, &rounds, err);
}

void freshener_stop(struct freshener *freshener)
{
    rounds_stop(freshener->rounds);
    freshener->rounds = NULL;
}
