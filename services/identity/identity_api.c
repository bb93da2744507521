#include "base/clock.h"
#include "identity.h"
#include "nwims/v1/readings.pb-c.h"
#include "store/outbox.h"
#include <stdio.h>
#include <string.h>

enum { USUAL_PAGE = 100, LARGEST_PAGE = 1000, EVENT_CEILING = 4096 };

const struct rpc_method identity_methods[] = {
    { "Login", session_login },
    { "Refresh", session_refresh },
    { "Logout", session_logout },
    { "GetMe", session_get_me },
    { "GetJwks", session_get_jwks },
    { "ListTenants", tenant_list },
    { "CreateTenant", tenant_create },
    { "GetTenant", tenant_get },
    { "UpdateTenant", tenant_update },
    { "ListUsers", user_list },
    { "CreateUser", user_create },
    { "GetUser", user_get },
    { 0 },
};

bool identity_allows(const struct rpc_call *call, const char *permission, struct err *err)
{
    return permission_granted(call->caller->permissions, permission) ||
           err_set(err, ERR_DENIED, "this needs the permission %s", permission);
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

/* The message borrows its texts and lives only until it is encoded. */
static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

bool identity_announce(struct store_session *session, const struct rpc_call *call, int32_t tenant_id,
    const char *entity, const char *id, const char *change, struct err *err)
{
    Nwims__V1__EntityChanged event = NWIMS__V1__ENTITY_CHANGED__INIT;
    AUTO_INPLACE(buffer) payload = { .ceiling_bytes = EVENT_CEILING };
    char subject[64], traceparent[TRACEPARENT_SIZE];
    event.has_tenant_id = event.has_changed_at = true;
    event.tenant_id = tenant_id;
    event.changed_at = clock_now_us();
    event.entity = borrow(entity);
    event.id = borrow(id);
    event.change = borrow(change);
    snprintf(subject, sizeof subject, "events.%d.%s", (int)tenant_id, entity);
    trace_format(traceparent, &call->caller->trace);
    return wire_encode(&payload, &event.base, err) &&
           outbox_put(session, subject, payload.data, payload.size, traceparent, err);
}

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
