#include "base/clock.h"
#include "base/uuid.h"
#include "identity.h"
#include "nwims/v1/readings.pb-c.h"
#include "service/audit.h"
#include "service/idempotency.h"
#include "store/outbox.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { USUAL_PAGE = 100, LARGEST_PAGE = 1000, EVENT_CEILING = 4096, MOST_PERMISSIONS = 100 };

const struct rpc_method identity_methods[] = {
    { "Login", login_login },
    { "Refresh", session_refresh },
    { "Logout", session_logout },
    { "GetMe", session_get_me },
    { "ChangePassword", password_change },
    { "UseResetSecret", password_use_reset_secret },
    { "ResetPassword", password_reset },
    { "EnrollMfa", mfa_enroll },
    { "VerifyMfa", mfa_verify },
    { "DisableMfa", mfa_disable },
    { "GetJwks", key_get_jwks },
    { "RotateKeys", key_rotate },
    { "ListTenants", tenant_list },
    { "CreateTenant", tenant_create },
    { "GetTenant", tenant_get },
    { "UpdateTenant", tenant_update },
    { "DeleteTenant", tenant_delete },
    { "SetTenantQuota", tenant_set_quota },
    { "GetTenantUsage", tenant_get_usage },
    { "SuspendTenant", tenant_suspend },
    { "ResumeTenant", tenant_resume },
    { "ListDescendants", tenant_list_descendants },
    { "ListUsers", user_list },
    { "CreateUser", user_create },
    { "GetUser", user_get },
    { "UpdateUser", user_update },
    { "DeleteUser", user_delete },
    { "SetUserRoles", user_set_roles },
    { "DisableUser", user_disable },
    { "EnableUser", user_enable },
    { "ListRoles", role_list },
    { "CreateRole", role_create },
    { "GetRole", role_get },
    { "UpdateRole", role_update },
    { "DeleteRole", role_delete },
    { "ListPermissions", role_list_permissions },
    { "ListApiKeys", api_key_list },
    { "CreateApiKey", api_key_create },
    { "DeleteApiKey", api_key_delete },
    { "RotateApiKey", api_key_rotate },
    { "ResolveApiKey", api_key_resolve },
    { "ListRevocations", revocation_list },
    { 0 },
};

bool identity_allows(const struct rpc_call *call, const char *permission, struct err *err)
{
    if (*call->caller->scope)
        return err_set(err, ERR_DENIED,
            "you have the permission %s in parts of the tenant only; this concerns all of it", permission);
    return permission_granted(call->caller->permissions, permission) ||
           err_set(err, ERR_DENIED, "this needs the permission %s", permission);
}

bool identity_may_give(struct rpc_call *call, char *const *permissions, size_t count, struct err *err)
{
    char all[CLAIM_PERMISSIONS_SIZE] = "";
    if (count > MOST_PERMISSIONS)
        return rpc_violation(call, err, "permissions", "must be at most %d", MOST_PERMISSIONS);
    for (size_t i = 0; i < count; i++) {
        if (!permission_exists(permissions[i]))
            return rpc_violation(call, err, "permissions", "there is no permission \"%.60s\"", permissions[i]);
        if (!permission_granted(call->caller->permissions, permissions[i]))
            return err_set(err, ERR_DENIED, "you have no permission %s yourself: you cannot give it", permissions[i]);
        if (!permission_join(all, permissions[i], err))
            return rpc_violation(
                call, err, "permissions", "must have at most %d bytes together", CLAIM_PERMISSIONS_SIZE);
    }
    return true;
}

bool identity_hash_password(struct identity *identity, int64_t deadline_us, char hash[PASSWORD_HASH_SIZE],
    const char *password, struct err *err)
{
    if (!password_gate_enter(identity->gate, deadline_us, err))
        return false;
    bool ok = password_hash(hash, password, err);
    password_gate_leave(identity->gate);
    return ok;
}

bool identity_check_password(struct identity *identity, int64_t deadline_us, const char *hash, const char *password,
    bool *out_matches, struct err *err)
{
    if (!password_gate_enter(identity->gate, deadline_us, err))
        return false;
    *out_matches = password_matches(hash, password);
    password_gate_leave(identity->gate);
    return true;
}

bool identity_begin(struct identity *identity, int32_t tenant_id, struct store_session **out_session, struct err *err)
{
    return store_session_open(out_session, identity->store, err) && store_begin(*out_session, tenant_id, err);
}

static bool names_a_tenant(const struct rpc_call *call, struct err *err)
{
    return call->caller->tenant_id > 0 || err_set(err, ERR_INPUT, "people belong to a tenant: say which");
}

bool identity_begin_own(
    struct identity *identity, const struct rpc_call *call, struct store_session **out_session, struct err *err)
{
    return names_a_tenant(call, err) && identity_begin(identity, call->caller->tenant_id, out_session, err);
}

/* Of another tenant from here to the end of the transaction. */
static bool go_to_tenant(struct store_session *session, int32_t tenant_id, struct err *err)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRId32, tenant_id);
    return store_run(session, "SELECT set_config('nwims.tenant_id', $1, true)", PARAMS(PARAM_TEXT(text)), NULL, err);
}

static bool hash_request(const struct identity *identity, const struct rpc_call *call,
    unsigned char hash[IDEMPOTENCY_HASH_SIZE], struct err *err)
{
    AUTO_INPLACE(buffer) request = { .ceiling_bytes = WIRE_LARGEST_MESSAGE };
    buffer_put(&request, identity->master, sizeof identity->master);
    if (!wire_encode(&request, call->request, err))
        return false;
    auth_sha256(hash, request.data, request.size);
    explicit_bzero(request.data, request.size);
    return true;
}

/* Keys belong to the tenant at work, also where the write is about another one. */
bool identity_write(struct identity *identity, struct rpc_call *call, int32_t tenant_id,
    struct store_session **out_session, struct err *err)
{
    unsigned char hash[IDEMPOTENCY_HASH_SIZE];
    if (!*call->caller->idempotency_key)
        return identity_begin(identity, tenant_id, out_session, err);
    return hash_request(identity, call, hash, err) &&
           identity_begin(identity, call->caller->tenant_id, out_session, err) &&
           idempotency_begin_hashed(*out_session, call, hash, err) && go_to_tenant(*out_session, tenant_id, err);
}

bool identity_write_own(
    struct identity *identity, struct rpc_call *call, struct store_session **out_session, struct err *err)
{
    return names_a_tenant(call, err) && identity_write(identity, call, call->caller->tenant_id, out_session, err);
}

bool identity_keep(struct store_session *session, const struct rpc_call *call, bool has_secret, struct err *err)
{
    return !*call->caller->idempotency_key ||
           (go_to_tenant(session, call->caller->tenant_id, err) && idempotency_keep(session, call, has_secret, err));
}

/* ---- telling others ---------------------------------------------------------------------------------------------- */
/* The message borrows its texts and lives only until it is encoded. */
static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

bool identity_announce(
    struct store_session *session, const struct rpc_call *call, const struct identity_change *change, struct err *err)
{
    Nwims__V1__EntityChanged event = NWIMS__V1__ENTITY_CHANGED__INIT;
    AUTO_INPLACE(buffer) payload = { .ceiling_bytes = EVENT_CEILING };
    char subject[64], traceparent[TRACEPARENT_SIZE];
    event.has_tenant_id = event.has_changed_at = true;
    event.tenant_id = change->tenant_id;
    event.changed_at = clock_now_us();
    event.entity = borrow(change->entity);
    event.id = borrow(change->id);
    event.change = borrow(change->change);
    snprintf(subject, sizeof subject, "events.%d.%s", (int)change->tenant_id, change->entity);
    trace_format(traceparent, &call->caller->trace);
    return wire_encode(&payload, &event.base, err) &&
           outbox_put(session, subject, payload.data, payload.size, traceparent, err);
}

bool identity_record(struct identity *identity, struct store_session *session, const struct rpc_call *call,
    const struct identity_change *change, const char *outcome, struct err *err)
{
    char action[96];
    snprintf(action, sizeof action, "%s.%s", change->entity, change->change);
    const struct audit_event event = { .action = action,
        .entity = change->entity,
        .entity_id = change->id,
        .outcome = outcome,
        .detail = change->detail,
        .actor = change->actor,
        .tenant_id = change->tenant_id };
    if (!audit_put(session, call->caller, &event, err) || !store_commit(session, err))
        return false;
    service_outbox_wake(identity->service);
    return true;
}

bool identity_finish(struct identity *identity, struct store_session *session, const struct rpc_call *call,
    const struct identity_change *change, struct err *err)
{
    return identity_announce(session, call, change, err) && identity_keep(session, call, change->has_secret, err) &&
           identity_record(identity, session, call, change, NULL, err);
}

bool identity_clears(struct rpc_call *call, char *const *clear, size_t count, const char *field, struct err *err)
{
    bool is_cleared = false;
    for (size_t i = 0; i < count; i++) {
        is_cleared = is_cleared || strcmp(clear[i], field) == 0;
        if (strcmp(clear[i], field) != 0)
            rpc_violation(call, err, clear[i], "cannot be null");
    }
    return is_cleared;
}

/* ---- small questions --------------------------------------------------------------------------------------------- */
bool identity_split(struct arena *arena, const char *text, char ***out_items, size_t *out_count)
{
    size_t count = 0;
    char **items = arena_alloc_array(arena, strlen(text) / 2 + 1, sizeof *items);
    if (!items)
        return false;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (length > 0) {
            items[count] = arena_text_n(arena, text, length);
            if (!items[count++])
                return false;
        }
        text += length;
        text += *text == ' ';
    }
    *out_items = items;
    *out_count = count;
    return true;
}

int64_t identity_page_limit(bool has_limit, int32_t limit)
{
    if (!has_limit || limit < 1)
        return USUAL_PAGE;
    return limit > LARGEST_PAGE ? LARGEST_PAGE : limit;
}

bool identity_is_uuid(const char *text)
{
    struct uuid id;
    return text && uuid_parse(text, strlen(text), &id);
}

bool identity_is_person(const struct rpc_call *call, struct err *err)
{
    if (!*call->caller->actor)
        return err_set(err, ERR_UNAUTHENTICATED, "log in first");
    return identity_is_uuid(call->caller->actor) ||
           err_set(err, ERR_DENIED, "this is for people: log in with a password, not with an API key");
}

bool identity_is_full(struct err *err)
{
    return err_set(err, ERR_LIMIT, "no memory left for the answer");
}
