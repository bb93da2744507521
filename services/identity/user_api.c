#include "account.h"
#include "base/uuid.h"
#include "identity.h"
#include "user_store.h"
#include <string.h>

/* Opens a transaction that sees the people of the caller's tenant. */
static bool begin(
    struct identity *identity, const struct rpc_call *call, struct store_session **out_session, struct err *err)
{
    if (call->caller->tenant_id < 1)
        return err_set(err, ERR_INPUT, "users belong to a tenant: say which");
    return store_session_open(out_session, identity->store, err) &&
           store_begin(*out_session, call->caller->tenant_id, err);
}

static bool is_uuid(const char *text)
{
    struct uuid id;
    return text && uuid_parse(text, strlen(text), &id);
}

bool user_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ListUsersRequest *request = input;
    AUTO(store_session) session = NULL;
    const char *after = request->cursor && *request->cursor ? request->cursor : NULL;
    if (!identity_allows(call, "users:read", err))
        return false;
    if (after && !is_uuid(after))
        return rpc_violation(call, err, "cursor", "must be the next_cursor of the page before");
    return begin(context, call, &session, err) &&
           user_store_list(session, call->caller->tenant_id, after,
               identity_page_limit(request->has_limit, request->limit), call->arena, reply, err) &&
           store_commit(session, err);
}

bool user_get(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    AUTO(store_session) session = NULL;
    if (!identity_allows(call, "users:read", err))
        return false;
    if (!is_uuid(request->id))
        return err_set(err, ERR_NOT_FOUND, "there is no such user");
    return begin(context, call, &session, err) &&
           user_store_get(session, call->caller->tenant_id, request->id, call->arena, reply, err) &&
           store_commit(session, err);
}

static void check_user(struct rpc_call *call, const Nwims__V1__CreateUserRequest *request, struct err *err)
{
    const char *fault = account_email_fault(request->email);
    if (fault)
        rpc_violation(call, err, "email", "%s", fault);
    fault = account_password_fault(request->password);
    if (fault)
        rpc_violation(call, err, "password", "%s", fault);
    if (request->name && (!*request->name || strnlen(request->name, LONGEST_NAME + 1) > LONGEST_NAME))
        rpc_violation(call, err, "name", "must have 1 to 200 bytes");
    if (request->n_roles < 1 || request->n_roles > MOST_ROLES)
        rpc_violation(call, err, "roles", "must be 1 to %d", MOST_ROLES);
    for (size_t i = 0; i < request->n_roles && i < MOST_ROLES; i++)
        if (!account_role_exists(request->roles[i]))
            rpc_violation(call, err, "roles", "there is no role \"%.40s\" for a person", request->roles[i]);
}

/* Once each. */
static size_t distinct_roles(const Nwims__V1__CreateUserRequest *request, const char *roles[MOST_ROLES])
{
    size_t count = 0;
    for (size_t i = 0; i < request->n_roles; i++) {
        bool is_new = true;
        for (size_t k = 0; k < count; k++)
            is_new = is_new && strcmp(roles[k], request->roles[i]) != 0;
        if (is_new)
            roles[count++] = request->roles[i];
    }
    return count;
}

static bool may_grant_all(const struct rpc_call *call, const Nwims__V1__CreateUserRequest *request, struct err *err)
{
    for (size_t i = 0; i < request->n_roles; i++)
        if (!account_may_grant(call->caller->permissions, request->roles[i]))
            return err_set(
                err, ERR_DENIED, "the role %.40s may do more than you: you cannot grant it", request->roles[i]);
    return true;
}

bool user_create(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__CreateUserRequest *request = input;
    AUTO(store_session) session = NULL;
    struct uuid id = uuid_new();
    char hash[PASSWORD_HASH_SIZE];
    const char *roles[MOST_ROLES];
    if (!identity_allows(call, "users:write", err))
        return false;
    check_user(call, request, err);
    if (err->kind != ERR_NONE || !may_grant_all(call, request, err) ||
        !identity_hash_password(identity, call->deadline_us, hash, request->password, err) ||
        !begin(identity, call, &session, err))
        return false;
    struct new_user user = { .tenant_id = call->caller->tenant_id,
        .email = request->email,
        .name = request->name,
        .password_hash = hash,
        .roles = roles,
        .role_count = distinct_roles(request, roles) };
    uuid_format(user.id, &id);
    if (!user_store_create(session, &user, call->arena, reply, err) ||
        !identity_announce(session, call, user.tenant_id, "user", user.id, "created", err) ||
        !store_commit(session, err))
        return false;
    service_outbox_wake(identity->service);
    return true;
}
