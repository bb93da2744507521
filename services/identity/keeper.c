#include "keeper.h"
#include "base/log.h"
#include "base/rounds.h"
#include "session_store.h"
#include <stdlib.h>

enum { ROUND_MS = 60000 };

struct keeper {
    struct key_store *keys;
    struct store *store;
    struct rounds *rounds;
};

static int64_t run_round(void *context)
{
    struct keeper *keeper = context;
    struct err err = { 0 };
    /* The key in memory goes on signing: nothing is lost by trying again in a minute. */
    if (!key_store_refresh(keeper->keys, &err) || !session_purge(keeper->store, &err))
        log_warn(NULL, "keeper.failed", LOG_TEXT("kind", err_kind_name(err.kind)), LOG_ERR(&err));
    return ROUND_MS;
}

bool keeper_start(struct keeper **out_keeper, struct key_store *keys, struct store *store, struct err *err)
{
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return err_set(err, ERR_LIMIT, "no memory for the keeper");
    keeper->keys = keys;
    keeper->store = store;
    const struct rounds_config config = {
        .what = "the keeper", .run = run_round, .context = keeper, .first_ms = ROUND_MS
    };
    if (!rounds_start(&keeper->rounds, &config, err)) {
        free(keeper);
        return false;
    }
    *out_keeper = keeper;
    return true;
}

void keeper_wake(struct keeper *keeper)
{
    if (keeper)
        rounds_wake(keeper->rounds);
}

void keeper_stop(struct keeper *keeper)
{
    if (!keeper)
        return;
    rounds_stop(keeper->rounds);
    free(keeper);
}
