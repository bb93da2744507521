/* What each tenant may use: its requests a second and its readings a day, as identity says, and the installation's
 * presets where it says nothing or is away. A thread keeps what is in use fresh; requests never wait for it. Any
 * thread. */
#pragma once
#include "bus/bus.h"
#include "rate_limit.h"

struct tenant_quota;
struct tenant_quota_config {
    struct rate preset;
    int64_t readings_a_day; /* preset; 0: no limit */
    int64_t replicas;       /* gateways that share the limits: each enforces its part of the rate */
};
MUST_CHECK bool tenant_quota_open(
    struct tenant_quota **out_quota, struct bus *bus, const struct tenant_quota_config *config, struct err *err);
void tenant_quota_close(struct tenant_quota *quota);
AUTO_DEFINE(tenant_quota, tenant_quota_close)

/* This gateway's part of the tenant's rate. */
struct rate tenant_quota_rate(struct tenant_quota *quota, int32_t tenant_id);
/* Charges readings at admission, before anything is done with them: false if the day (UTC) has not so many left, and
 * then none are charged. What all gateways and ingests have stored today is counted by history, asked every half
 * minute; between, what this one admitted is counted here. */
MUST_CHECK bool tenant_quota_admit(struct tenant_quota *quota, int32_t tenant_id, int64_t readings);
/* Once for each admission, when it is known what became of it: how many of the readings charged were taken, and whether
 * PostgreSQL has committed them, so that history counts them from now on. The rest is given back. */
void tenant_quota_settle(
    struct tenant_quota *quota, int32_t tenant_id, int64_t charged, int64_t taken, bool is_committed);
