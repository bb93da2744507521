/* What the handlers of identity share. */
#pragma once
#include "key_store.h"
#include "password_gate.h"
#include "rpc/rpc.h"
#include "settings.h"

struct identity {
    struct service *service;
    struct store *store;
    const struct identity_config *config;
    struct key_store *keys;
    struct password_gate *gate;
};

/* The table of methods of the service Identity, { 0 } last. */
extern const struct rpc_method identity_methods[];

/* One each; context is the struct identity. */
rpc_handler session_login, session_refresh, session_logout, session_get_me, session_get_jwks;
rpc_handler tenant_list, tenant_create, tenant_get, tenant_update;
rpc_handler user_list, user_create, user_get;

/* ERR_DENIED unless the caller has it: the gateway has asked too, but the owner of the data does not take its word. */
MUST_CHECK bool identity_allows(const struct rpc_call *call, const char *permission, struct err *err);
/* Hashes behind the gate. */
MUST_CHECK bool identity_hash_password(struct identity *identity, int64_t deadline_us, char hash[PASSWORD_HASH_SIZE],
    const char *password, struct err *err);
/* Puts an EntityChanged into the outbox, within the session's transaction. */
MUST_CHECK bool identity_announce(struct store_session *session, const struct rpc_call *call, int32_t tenant_id,
    const char *entity, const char *id, const char *change, struct err *err);
/* "a b" as a list in the arena; false when the arena is full. */
MUST_CHECK bool identity_split(struct arena *arena, const char *text, char ***out_items, size_t *out_count);
/* The page that was asked for, within bounds. */
int64_t identity_page_limit(bool has_limit, int32_t limit);

/* Makes tenant 1 and the first national administrator if there is no user at all; ERR_CONFIG if that needs a setting.
 */
MUST_CHECK bool bootstrap(struct identity *identity, struct err *err);
