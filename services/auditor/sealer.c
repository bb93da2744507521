#include "sealer.h"
#include "base/log.h"
#include "base/rounds.h"
#include "head_store.h"
#include <stdlib.h>

enum { MOST_PAUSE_MS = 60000, HEADS_A_ROUND = 400 };
#define CHAINS_BYTES ((size_t)64 << 20)

struct sealer {
    struct sealer_config config;
    struct arena arena;
    struct rounds *rounds;
};

/* False when the chain contradicts what was signed. */
static bool seal_chain(struct sealer *sealer, int32_t tenant_id)
{
    const struct sealer_config *config = &sealer->config;
    struct err err = { 0 };
    size_t count = 0;
    if (head_store_seal(config->store, config->keys, tenant_id, config->seal_ms * 1000, HEADS_A_ROUND, &count, &err)) {
        metric_add(config->metrics->heads_signed, count);
        return true;
    }
    if (err.kind == ERR_CONFLICT)
        log_error(NULL, "audit.chain_is_broken", LOG_COUNT("tenant_id", tenant_id), LOG_ERR(&err));
    else
        log_warn(NULL, "audit.not_sealed", LOG_COUNT("tenant_id", tenant_id), LOG_ERR(&err));
    return err.kind != ERR_CONFLICT;
}

static void seal_all(struct sealer *sealer)
{
    struct err err = { 0 };
    int32_t *tenants;
    size_t count, broken = 0;
    arena_reset(&sealer->arena);
    /* The newest key in memory goes on signing: nothing is lost by trying again in the next round. */
    if (!key_store_refresh(sealer->config.keys, &err) ||
        !head_store_chains(sealer->config.store, &sealer->arena, &tenants, &count, &err)) {
        log_warn(NULL, "sealer.failed", LOG_TEXT("kind", err_kind_name(err.kind)), LOG_ERR(&err));
        return;
    }
    for (size_t i = 0; i < count && !rounds_is_stopping(sealer->rounds); i++)
        broken += !seal_chain(sealer, tenants[i]);
    metric_set(sealer->config.metrics->broken_chains, (double)broken);
}

static int64_t run_round(void *context)
{
    struct sealer *sealer = context;
    seal_all(sealer);
    return sealer->config.seal_ms / 4 < MOST_PAUSE_MS ? sealer->config.seal_ms / 4 : MOST_PAUSE_MS;
}

static void sealer_free(struct sealer *sealer)
{
    arena_done(&sealer->arena);
    free(sealer);
}

bool sealer_start(struct sealer **out_sealer, const struct sealer_config *config, struct err *err)
{
    struct sealer *sealer = calloc(1, sizeof *sealer);
    if (!sealer)
        return err_set(err, ERR_LIMIT, "no memory for the sealer");
    sealer->config = *config;
    arena_init(&sealer->arena, CHAINS_BYTES);
    const struct rounds_config rounds = { .what = "the sealer", .run = run_round, .context = sealer };
    if (!rounds_start(&sealer->rounds, &rounds, err)) {
        sealer_free(sealer);
        return false;
    }
    *out_sealer = sealer;
    return true;
}

void sealer_stop(struct sealer *sealer)
{
    if (!sealer)
        return;
    rounds_stop(sealer->rounds);
    sealer_free(sealer);
}
