#include "keeper.h"
#include "base/log.h"
#include "session_store.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { ROUND_S = 60 };

struct keeper {
    struct key_store *keys;
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    bool must_stop, must_look;
};

/* False when told to stop. */
static bool wait_a_round(struct keeper *keeper)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ROUND_S;
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->must_stop && !keeper->must_look)
        if (pthread_cond_timedwait(&keeper->stopped, &keeper->lock, &until) == ETIMEDOUT)
            break;
    bool goes_on = !keeper->must_stop;
    keeper->must_look = false;
    pthread_mutex_unlock(&keeper->lock);
    return goes_on;
}

static void *run(void *argument)
{
    struct keeper *keeper = argument;
    while (wait_a_round(keeper)) {
        struct err err = { 0 };
        /* The key in memory goes on signing: nothing is lost by trying again in a minute. */
        if (!key_store_refresh(keeper->keys, &err) || !session_purge(keeper->store, &err))
            log_warn(NULL, "keeper.failed", LOG_TEXT("kind", err_kind_name(err.kind)), LOG_ERR(&err));
    }
    return NULL;
}

bool keeper_start(struct keeper **out_keeper, struct key_store *keys, struct store *store, struct err *err)
{
    pthread_condattr_t attributes;
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return err_set(err, ERR_LIMIT, "no memory for the keeper");
    keeper->keys = keys;
    keeper->store = store;
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->stopped, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&keeper->thread, NULL, run, keeper) != 0) {
        free(keeper);
        return err_set(err, ERR_LIMIT, "no thread for the keeper");
    }
    *out_keeper = keeper;
    return true;
}

void keeper_wake(struct keeper *keeper)
{
    if (!keeper)
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->must_look = true;
    pthread_cond_signal(&keeper->stopped);
    pthread_mutex_unlock(&keeper->lock);
}

void keeper_stop(struct keeper *keeper)
{
    if (!keeper)
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->must_stop = true;
    pthread_cond_signal(&keeper->stopped);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    pthread_cond_destroy(&keeper->stopped);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}
