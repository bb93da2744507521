/* Roles: those built in are the same everywhere, others a tenant makes of permissions. */
#include "account.h"
#include "identity.h"
#include "people.h"
#include "revocation_store.h"
#include "role_store.h"
#include <string.h>

bool role_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    AUTO(store_session) session = NULL;
    (void)input;
    return identity_allows(call, "roles:read", err) && identity_begin_own(context, call, &session, err) &&
           role_store_list(session, call->caller->tenant_id, call->arena, reply, err) && store_commit(session, err);
}

static bool get_built_in(Nwims__V1__Role *role, const char *name, struct arena *arena, struct err *err)
{
    role->id = role->name = arena_text(arena, name);
    role->description = arena_text(arena, role_description(name));
    role->has_built_in = role->built_in = true;
    return (role->name && role->description &&
               identity_split(arena, role_permissions(name), &role->permissions, &role->n_permissions)) ||
           identity_is_full(err);
}

bool role_get(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO(store_session) session = NULL;
    if (!identity_allows(call, "roles:read", err))
        return false;
    if (!request->id)
        return err_set(err, ERR_NOT_FOUND, "there is no such role");
    if (*role_permissions(request->id))
        return get_built_in(reply, request->id, call->arena, err);
    return identity_begin_own(context, call, &session, err) &&
           role_store_get(session, call->caller->tenant_id, request->id, call->arena, reply, err) &&
           store_commit(session, err);
}

static void check_description(struct rpc_call *call, const char *description, struct err *err)
{
    if (description && strnlen(description, LONGEST_NAME + 1) > LONGEST_NAME)
        rpc_violation(call, err, "description", "must have at most 200 bytes");
}

static struct identity_change change_of(const struct rpc_call *call, const char *name, const char *change)
{
    return (
        struct identity_change){ .tenant_id = call->caller->tenant_id, .entity = "role", .id = name, .change = change };
}

bool role_create(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__Role *request = input;
    AUTO(store_session) session = NULL;
    if (!identity_allows(call, "roles:write", err))
        return false;
    if (!account_role_name_is_good(request->name))
        rpc_violation(call, err, "name",
            "must have 2 to 40 lower-case letters, digits, - or _, a letter first, and not be one of the built-in "
            "roles");
    if (request->n_permissions < 1)
        rpc_violation(call, err, "permissions", "must be at least one");
    check_description(call, request->description, err);
    if (err->kind != ERR_NONE || !identity_may_give(call, request->permissions, request->n_permissions, err))
        return false;
    const struct identity_change change = change_of(call, request->name, "created");
    return identity_write_own(context, call, &session, err) && people_lock(session, call->caller->tenant_id, err) &&
           role_store_create(session, call->caller->tenant_id, request, call->arena, reply, err) &&
           identity_finish(context, session, call, &change, err);
}

/* Who changes a role changes what others may do: only with all that it grants already. */
static bool may_change(struct store_session *session, struct rpc_call *call, const char *name, struct err *err)
{
    const char *before;
    if (!role_store_permissions(session, call->caller->tenant_id, name, call->arena, &before, err))
        return false;
    return permission_covers(call->caller->permissions, before) ||
           err_set(err, ERR_DENIED, "this role may do more than you: you cannot change it");
}

static bool refuse_built_in(const char *name, struct err *err)
{
    if (!name || !*name)
        return err_set(err, ERR_NOT_FOUND, "there is no such role");
    return !*role_permissions(name) || err_set(err, ERR_CONFLICT, "a built-in role cannot be changed");
}

bool role_update(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__UpdateRoleRequest *request = input;
    AUTO(store_session) session = NULL;
    struct people_administrators before;
    int32_t tenant_id = call->caller->tenant_id;
    if (!identity_allows(call, "roles:write", err) || !refuse_built_in(request->id, err))
        return false;
    check_description(call, request->description, err);
    bool clears_description = identity_clears(call, request->clear, request->n_clear, "description", err);
    if (err->kind != ERR_NONE || !identity_may_give(call, request->permissions, request->n_permissions, err))
        return false;
    const struct identity_change change = change_of(call, request->id, "updated");
    return identity_write_own(identity, call, &session, err) && people_lock(session, tenant_id, err) &&
           may_change(session, call, request->id, err) &&
           people_count_administrators(session, tenant_id, &before, err) &&
           role_store_update(session, tenant_id, request, clears_description, call->arena, reply, err) &&
           people_administrators_remain(session, tenant_id, &before, err) &&
           (request->n_permissions == 0 ||
               revocation_of_role(session, call, tenant_id, request->id, identity->config->access_token_ms, err)) &&
           identity_finish(identity, session, call, &change, err);
}

bool role_delete(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO(store_session) session = NULL;
    (void)reply;
    if (!identity_allows(call, "roles:delete", err) || !refuse_built_in(request->id, err))
        return false;
    const struct identity_change change = change_of(call, request->id, "deleted");
    return identity_write_own(context, call, &session, err) && people_lock(session, call->caller->tenant_id, err) &&
           may_change(session, call, request->id, err) &&
           role_store_delete(session, call->caller->tenant_id, request->id, err) &&
           identity_finish(context, session, call, &change, err);
}

bool role_list_permissions(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    Nwims__V1__ListPermissionsReply *reply = output;
    size_t count = 0;
    (void)context;
    (void)input;
    if (!identity_allows(call, "roles:read", err))
        return false;
    while (permission_catalogue[count].name)
        count++;
    reply->items = arena_alloc_array(call->arena, count, sizeof(void *));
    for (size_t i = 0; reply->items && i < count; i++) {
        ProtobufCMessage *made = wire_new(call->arena, &nwims__v1__permission__descriptor);
        Nwims__V1__Permission *permission = (Nwims__V1__Permission *)made;
        if (!permission)
            return identity_is_full(err);
        permission->name = arena_text(call->arena, permission_catalogue[i].name);
        permission->description = arena_text(call->arena, permission_catalogue[i].description);
        if (!permission->name || !permission->description)
            return identity_is_full(err);
        reply->items[reply->n_items++] = permission;
    }
    return reply->items || identity_is_full(err);
}
