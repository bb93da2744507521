/* The tenants in the database. Each within the session's transaction; the table has no row-level security, since every
 * login needs it. */
#pragma once
#include "nwims/v1/identity.pb-c.h"
#include "store/store.h"

MUST_CHECK bool tenant_store_list(struct store_session *session, int64_t after_id, int64_t limit, struct arena *arena,
    Nwims__V1__ListTenantsReply *out_reply, struct err *err);
/* ERR_NOT_FOUND, as all below. */
MUST_CHECK bool tenant_store_get(
    struct store_session *session, int32_t id, struct arena *arena, Nwims__V1__Tenant *out_tenant, struct err *err);
/* ERR_CONFLICT if the code is taken. level and parent_id are checked already. */
MUST_CHECK bool tenant_store_create(struct store_session *session, const Nwims__V1__Tenant *tenant, struct arena *arena,
    Nwims__V1__Tenant *out_tenant, struct err *err);
/* What is absent in tenant stays; a parent_id of 0 means none. */
MUST_CHECK bool tenant_store_update(struct store_session *session, const Nwims__V1__Tenant *tenant, struct arena *arena,
    Nwims__V1__Tenant *out_tenant, struct err *err);
MUST_CHECK bool tenant_store_set_quota(struct store_session *session, const Nwims__V1__SetQuotaRequest *quota,
    struct arena *arena, Nwims__V1__Tenant *out_tenant, struct err *err);
/* Suspending raises the epoch, so that tokens of before stay dead after it. */
MUST_CHECK bool tenant_store_set_state(
    struct store_session *session, int32_t id, bool is_active, int32_t *out_epoch, struct err *err);
/* ERR_CONFLICT unless it is suspended and empty. */
MUST_CHECK bool tenant_store_delete(struct store_session *session, int32_t id, struct err *err);
MUST_CHECK bool tenant_store_usage(
    struct store_session *session, int32_t id, Nwims__V1__TenantUsage *out_usage, struct err *err);
MUST_CHECK bool tenant_store_descendants(
    struct store_session *session, int32_t id, struct arena *arena, Nwims__V1__Descendants *out_reply, struct err *err);
/* Holds the hierarchy, so that two changes do not make what each alone may not. */
MUST_CHECK bool tenant_store_lock(struct store_session *session, struct err *err);
/* The level of one, and of the highest below it ("" if there is none). */
MUST_CHECK bool tenant_store_levels(struct store_session *session, int32_t id, struct arena *arena,
    const char **out_level, const char **out_highest_below, struct err *err);
MUST_CHECK bool tenant_store_knows_zone(
    struct store_session *session, const char *time_zone, bool *out_known, struct err *err);
