/* What the handlers of auditor share. */
#pragma once
#include "auditor_metrics.h"
#include "key_store.h"
#include "rpc/rpc.h"
#include "settings.h"

struct auditor {
    struct service *service;
    struct store *store;
    const struct auditor_config *config;
    struct key_store *keys;
    struct auditor_metrics metrics;
};

/* The table of methods of the service Auditor, { 0 } last. */
extern const struct rpc_method auditor_methods[];
/* One each; context is the struct auditor. */
rpc_handler records_list, record_get, chain_verify, heads_list, keys_list;

/* Begins a transaction of the tenant whose chain is asked for: the caller's, or that of nobody for who may see all
 * tenants. ERR_DENIED else. */
MUST_CHECK bool auditor_begin(struct auditor *auditor, const struct rpc_call *call, bool is_unattributed,
    struct store_session **out_session, int32_t *out_tenant, struct err *err);
