/* The custom roles of a tenant in the database. Each within the session's transaction, in the tenant. */
#pragma once
#include "nwims/v1/identity.pb-c.h"
#include "store/store.h"

MUST_CHECK bool role_store_list(struct store_session *session, int32_t tenant_id, struct arena *arena,
    Nwims__V1__ListRolesReply *out_reply, struct err *err);
/* ERR_NOT_FOUND if there is none. */
MUST_CHECK bool role_store_get(struct store_session *session, int32_t tenant_id, const char *name, struct arena *arena,
    Nwims__V1__Role *out_role, struct err *err);
/* Its permissions, separated by one space; ERR_NOT_FOUND. */
MUST_CHECK bool role_store_permissions(struct store_session *session, int32_t tenant_id, const char *name,
    struct arena *arena, const char **out_permissions, struct err *err);
/* ERR_CONFLICT if the name is taken, ERR_LIMIT beyond MOST_CUSTOM_ROLES. */
enum { MOST_CUSTOM_ROLES = 200 };
MUST_CHECK bool role_store_create(struct store_session *session, int32_t tenant_id, const Nwims__V1__Role *role,
    struct arena *arena, Nwims__V1__Role *out_role, struct err *err);
/* What is NULL or empty stays. */
MUST_CHECK bool role_store_update(struct store_session *session, int32_t tenant_id,
    const Nwims__V1__UpdateRoleRequest *request, bool clears_description, struct arena *arena,
    Nwims__V1__Role *out_role, struct err *err);
/* ERR_CONFLICT while somebody has it. */
MUST_CHECK bool role_store_delete(struct store_session *session, int32_t tenant_id, const char *name, struct err *err);
