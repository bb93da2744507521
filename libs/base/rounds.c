#include "base/rounds.h"
#include "base/clock.h"
#include "base/condition.h"
#include <stdatomic.h>
#include <stdlib.h>

struct rounds {
    struct rounds_config config;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_woken;
    atomic_bool is_stopping; /* changed under the lock */
};

bool rounds_is_stopping(const struct rounds *rounds)
{
    return atomic_load_explicit(&rounds->is_stopping, memory_order_relaxed);
}

/* False when told to stop. */
static bool wait_for(struct rounds *rounds, int64_t pause_ms)
{
    int64_t end_us = clock_end_us(pause_ms);
    pthread_mutex_lock(&rounds->lock);
    while (!rounds->is_woken && !rounds_is_stopping(rounds) &&
           condition_wait_until(&rounds->changed, &rounds->lock, end_us))
        ;
    rounds->is_woken = false;
    pthread_mutex_unlock(&rounds->lock);
    return !rounds_is_stopping(rounds);
}

static void *run(void *argument)
{
    struct rounds *rounds = argument;
    int64_t pause_ms = rounds->config.first_ms;
    while (wait_for(rounds, pause_ms))
        pause_ms = rounds->config.run(rounds->config.context);
    return NULL;
}

static bool start_thread(struct rounds *rounds)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    bool ok =
        rounds->config.stack_bytes == 0 || pthread_attr_setstacksize(&attributes, rounds->config.stack_bytes) == 0;
    ok = ok && pthread_create(&rounds->thread, &attributes, run, rounds) == 0;
    pthread_attr_destroy(&attributes);
    return ok;
}

static void rounds_free(struct rounds *rounds)
{
    pthread_cond_destroy(&rounds->changed);
    pthread_mutex_destroy(&rounds->lock);
    free(rounds);
}

bool rounds_start(struct rounds **out_rounds, const struct rounds_config *config, struct err *err)
{
    struct rounds *rounds = calloc(1, sizeof *rounds);
    if (!rounds)
        return err_set(err, ERR_LIMIT, "no memory for %s", config->what);
    rounds->config = *config;
    pthread_mutex_init(&rounds->lock, NULL);
    condition_init(&rounds->changed);
    *out_rounds = rounds; /* the first round may ask whether it is to stop */
    if (start_thread(rounds))
        return true;
    *out_rounds = NULL;
    rounds_free(rounds);
    return err_set(err, ERR_LIMIT, "no thread for %s", config->what);
}

static void tell(struct rounds *rounds, bool stops)
{
    pthread_mutex_lock(&rounds->lock);
    rounds->is_woken = true;
    if (stops)
        atomic_store(&rounds->is_stopping, true);
    pthread_cond_signal(&rounds->changed);
    pthread_mutex_unlock(&rounds->lock);
}

void rounds_wake(struct rounds *rounds)
{
    if (rounds)
        tell(rounds, false);
}

void rounds_stop(struct rounds *rounds)
{
    if (!rounds)
        return;
    tell(rounds, true);
    pthread_join(rounds->thread, NULL);
    rounds_free(rounds);
}
