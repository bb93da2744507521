/* The thread that goes by the clock: signs the heads of chains whose period is over, and makes new signing keys. In
 * every replica; the chain's lock lets one at a time do it. */
#pragma once
#include "auditor_metrics.h"
#include "key_store.h"

struct sealer;
struct sealer_config {
    struct store *store;
    struct key_store *keys;
    struct auditor_metrics *metrics;
    int64_t seal_ms;
};
MUST_CHECK bool sealer_start(struct sealer **out_sealer, const struct sealer_config *config, struct err *err);
void sealer_stop(struct sealer *sealer); /* NULL is fine */
