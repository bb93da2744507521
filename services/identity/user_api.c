/* The people of a tenant: listed, made, changed and removed. */
#include "account.h"
#include "base/uuid.h"
#include "identity.h"
#include "password_rule.h"
#include "people.h"
#include "revocation_store.h"
#include "user_store.h"
#include <string.h>

bool user_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ListUsersRequest *request = input;
    AUTO(store_session) session = NULL;
    const char *after = request->cursor && *request->cursor ? request->cursor : NULL;
    if (!identity_allows(call, "users:read", err))
        return false;
    if (after && !identity_is_uuid(after))
        return rpc_violation(call, err, "cursor", "must be the next_cursor of the page before");
    return identity_begin_own(context, call, &session, err) &&
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
    if (!identity_is_uuid(request->id))
        return err_set(err, ERR_NOT_FOUND, "there is no such user");
    return identity_begin_own(context, call, &session, err) &&
           user_store_get(session, call->caller->tenant_id, request->id, call->arena, reply, err) &&
           store_commit(session, err);
}

static void check_email(struct rpc_call *call, const char *email, struct err *err)
{
    const char *fault = account_email_fault(email);
    if (fault)
        rpc_violation(call, err, "email", "%s", fault);
}

static void check_name(struct rpc_call *call, const char *name, struct err *err)
{
    if (name && (!*name || strnlen(name, LONGEST_NAME + 1) > LONGEST_NAME))
        rpc_violation(call, err, "name", "must have 1 to 200 bytes");
}

static struct identity_change change_of(const struct rpc_call *call, const char *id, const char *change)
{
    return (
        struct identity_change){ .tenant_id = call->caller->tenant_id, .entity = "user", .id = id, .change = change };
}

/* ---- making ------------------------------------------------------------------------------------------------------ */
static bool check_new(struct rpc_call *call, const Nwims__V1__CreateUserRequest *request,
    struct assignments *out_assignments, struct err *err)
{
    struct err roles = { 0 };
    check_email(call, request->email, err);
    check_name(call, request->name, err);
    const char *fault = password_rule_fault(request->password, request->email, request->name);
    if (fault)
        rpc_violation(call, err, "password", "%s", fault);
    if (!assignments_read(out_assignments, call, request->roles, request->n_roles, request->assignments,
            request->n_assignments, &roles))
        *err = roles;
    return err->kind == ERR_NONE;
}

/* What may be given is looked at before the slow hash, and again under the lock. */
static bool check_roles_first(
    struct identity *identity, struct rpc_call *call, const struct assignments *assignments, struct err *err)
{
    AUTO(store_session) session = NULL;
    return identity_begin_own(identity, call, &session, err) && assignments_check(assignments, session, call, err) &&
           store_commit(session, err);
}

bool user_create(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__CreateUserRequest *request = input;
    AUTO(store_session) session = NULL;
    struct assignments assignments;
    struct uuid id = uuid_new();
    char hash[PASSWORD_HASH_SIZE];
    if (!identity_allows(call, "users:write", err) || !check_new(call, request, &assignments, err) ||
        !check_roles_first(identity, call, &assignments, err) ||
        !assignments_check_places(&assignments, identity, call, err) ||
        !identity_hash_password(identity, call->deadline_us, hash, request->password, err))
        return false;
    struct new_user user = { .tenant_id = call->caller->tenant_id,
        .email = request->email,
        .name = request->name,
        .password_hash = hash,
        .assignments = &assignments };
    uuid_format(user.id, &id);
    const struct identity_change change = change_of(call, user.id, "created");
    return identity_write_own(identity, call, &session, err) && people_lock(session, user.tenant_id, err) &&
           assignments_check(&assignments, session, call, err) &&
           user_store_create(session, &user, call->arena, reply, err) &&
           identity_finish(identity, session, call, &change, err);
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */
bool user_update(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__User *request = input;
    AUTO(store_session) session = NULL;
    struct user_account account;
    bool clears_name;
    if (!identity_allows(call, "users:write", err))
        return false;
    if (request->email)
        check_email(call, request->email, err);
    check_name(call, request->name, err);
    clears_name = identity_clears(call, request->clear, request->n_clear, "name", err);
    if (err->kind != ERR_NONE || !identity_write_own(context, call, &session, err) ||
        !people_hold(session, call, request->id, &account, err))
        return false;
    const struct identity_change change = change_of(call, account.id, "updated");
    return user_store_update(session, account.tenant_id, account.id, request->email, request->name, clears_name, err) &&
           user_store_get(session, account.tenant_id, account.id, call->arena, reply, err) &&
           identity_finish(context, session, call, &change, err);
}

bool user_set_roles(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__SetUserRolesRequest *request = input;
    AUTO(store_session) session = NULL;
    struct assignments assignments;
    struct people_administrators before;
    struct user_account account;
    int32_t tenant_id = call->caller->tenant_id;
    if (!identity_allows(call, "users:write", err) ||
        !assignments_read(
            &assignments, call, request->roles, request->n_roles, request->assignments, request->n_assignments, err) ||
        !assignments_check_places(&assignments, identity, call, err) ||
        !identity_write_own(identity, call, &session, err) || !people_hold(session, call, request->id, &account, err))
        return false;
    const struct identity_change change = change_of(call, account.id, "roles-changed");
    return assignments_check(&assignments, session, call, err) &&
           people_count_administrators(session, tenant_id, &before, err) &&
           user_store_set_roles(session, tenant_id, account.id, &assignments, err) &&
           people_administrators_remain(session, tenant_id, &before, err) &&
           user_store_get(session, tenant_id, account.id, call->arena, reply, err) &&
           revocation_of_user(session, call, tenant_id, account.id, false, identity->config->access_token_ms, err) &&
           identity_finish(identity, session, call, &change, err);
}

bool user_delete(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    struct identity *identity = context;
    const Nwims__V1__ById *request = input;
    AUTO(store_session) session = NULL;
    struct people_administrators before;
    struct user_account account;
    int32_t tenant_id = call->caller->tenant_id;
    (void)reply;
    if (!identity_allows(call, "users:delete", err) || !identity_write_own(identity, call, &session, err) ||
        !people_hold(session, call, request->id, &account, err))
        return false;
    const struct identity_change change = change_of(call, account.id, "deleted");
    return people_count_administrators(session, tenant_id, &before, err) &&
           revocation_of_user(session, call, tenant_id, account.id, true, identity->config->access_token_ms, err) &&
           user_store_delete(session, tenant_id, account.id, err) &&
           people_administrators_remain(session, tenant_id, &before, err) &&
           identity_finish(identity, session, call, &change, err);
}
