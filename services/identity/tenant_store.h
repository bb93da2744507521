/* Tenants in the database. */
#pragma once
#include "nwims/v1/identity.pb-c.h"
#include "store/store.h"

/* Within the session's transaction, as all here. */
MUST_CHECK bool tenant_store_list(struct store_session *session, int64_t after_id, int64_t limit, struct arena *arena,
    Nwims__V1__ListTenantsReply *out_reply, struct err *err);
/* ERR_NOT_FOUND if there is none. */
MUST_CHECK bool tenant_store_get(
    struct store_session *session, int32_t id, struct arena *arena, Nwims__V1__Tenant *out_tenant, struct err *err);
/* ERR_CONFLICT if the code is taken. */
MUST_CHECK bool tenant_store_create(struct store_session *session, const Nwims__V1__Tenant *tenant, struct arena *arena,
    Nwims__V1__Tenant *out_tenant, struct err *err);
/* What is NULL in tenant stays. */
MUST_CHECK bool tenant_store_update(struct store_session *session, const Nwims__V1__Tenant *tenant, struct arena *arena,
    Nwims__V1__Tenant *out_tenant, struct err *err);
MUST_CHECK bool tenant_store_knows_zone(
    struct store_session *session, const char *time_zone, bool *out_known, struct err *err);
