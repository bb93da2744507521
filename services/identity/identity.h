/* What the handlers of identity share. */
#pragma once
#include "key_store.h"
#include "password_gate.h"
#include "rpc/rpc.h"
#include "settings.h"

struct keeper;

enum { NATIONAL_TENANT = 1 }; /* made at the first start, above all others */

struct identity {
    struct service *service;
    struct store *store;
    const struct identity_config *config;
    struct key_store *keys;
    struct password_gate *gate;
    struct keeper *keeper;
    unsigned char master[MASTER_KEY_SIZE]; /* wraps the secrets of second factors too */
};

/* The table of methods of the service Identity, { 0 } last. */
extern const struct rpc_method identity_methods[];

/* One each; context is the struct identity. */
rpc_handler login_login;
rpc_handler session_refresh, session_logout, session_get_me;
rpc_handler password_change, password_use_reset_secret, password_reset;
rpc_handler mfa_enroll, mfa_verify, mfa_disable;
rpc_handler key_get_jwks, key_rotate;
rpc_handler tenant_list, tenant_create, tenant_get, tenant_update, tenant_delete, tenant_set_quota, tenant_get_usage,
    tenant_suspend, tenant_resume, tenant_list_descendants;
rpc_handler user_list, user_create, user_get, user_update, user_delete, user_set_roles, user_disable, user_enable;
rpc_handler role_list, role_create, role_get, role_update, role_delete, role_list_permissions;
rpc_handler api_key_list, api_key_create, api_key_delete, api_key_rotate, api_key_resolve;
rpc_handler revocation_list;

/* ERR_DENIED unless the caller has it in the whole tenant: people, roles, keys and tenants lie in no region. The
 * gateway has asked too, but the owner of the data does not take its word. */
MUST_CHECK bool identity_allows(const struct rpc_call *call, const char *permission, struct err *err);
/* Whether the caller may give these to a role or a key: known ones, each the caller's own, and together small enough
 * for a token. ERR_INPUT names the field permissions. */
MUST_CHECK bool identity_may_give(struct rpc_call *call, char *const *permissions, size_t count, struct err *err);
/* Hashes behind the gate. */
MUST_CHECK bool identity_hash_password(struct identity *identity, int64_t deadline_us, char hash[PASSWORD_HASH_SIZE],
    const char *password, struct err *err);
MUST_CHECK bool identity_check_password(struct identity *identity, int64_t deadline_us, const char *hash,
    const char *password, bool *out_matches, struct err *err);

/* Opens a transaction that sees one tenant; 0: none. */
MUST_CHECK bool identity_begin(
    struct identity *identity, int32_t tenant_id, struct store_session **out_session, struct err *err);
/* The same for the people of the caller's tenant: ERR_INPUT if it names none. */
MUST_CHECK bool identity_begin_own(
    struct identity *identity, const struct rpc_call *call, struct store_session **out_session, struct err *err);

/* The same for writes, which the caller may send again with the same Idempotency-Key (service/idempotency.h): of one
 * that was done before, the answer is given again, and this is false without an error. */
MUST_CHECK bool identity_write(struct identity *identity, struct rpc_call *call, int32_t tenant_id,
    struct store_session **out_session, struct err *err);
MUST_CHECK bool identity_write_own(
    struct identity *identity, struct rpc_call *call, struct store_session **out_session, struct err *err);

/* One write, as others hear of it. */
struct identity_change {
    int32_t tenant_id;
    const char *entity; /* "user" */
    const char *id;
    const char *change; /* "created": the action of the audit record is user.created */
    const char *actor;  /* NULL: the caller's */
    const char *detail; /* a JSON object without secrets, or NULL */
    bool has_secret;    /* the answer has one: it is not kept for a repeat */
};
/* Puts an EntityChanged into the outbox, within the session's transaction. */
MUST_CHECK bool identity_announce(
    struct store_session *session, const struct rpc_call *call, const struct identity_change *change, struct err *err);
/* The end of what identity_write began: announces, keeps the answer under the caller's Idempotency-Key, audits,
 * commits, and lets the outbox go at once. */
MUST_CHECK bool identity_finish(struct identity *identity, struct store_session *session, const struct rpc_call *call,
    const struct identity_change *change, struct err *err);
/* The answer alone, for writes that end with identity_record. */
MUST_CHECK bool identity_keep(
    struct store_session *session, const struct rpc_call *call, bool has_secret, struct err *err);
/* Audits only, commits, and lets the outbox go: for what changes no entity (a login). outcome NULL: ok. */
MUST_CHECK bool identity_record(struct identity *identity, struct store_session *session, const struct rpc_call *call,
    const struct identity_change *change, const char *outcome, struct err *err);

/* Of a change (merge patch, RFC 7396): whether the field was null. Any other one that was is a violation, whatever the
 * gateway let through. */
MUST_CHECK bool identity_clears(
    struct rpc_call *call, char *const *clear, size_t count, const char *field, struct err *err);

/* "a b" as a list in the arena; false when the arena is full. */
MUST_CHECK bool identity_split(struct arena *arena, const char *text, char ***out_items, size_t *out_count);
/* The page that was asked for, within bounds. */
int64_t identity_page_limit(bool has_limit, int32_t limit);
MUST_CHECK bool identity_is_uuid(const char *text);
/* The caller as a person: ERR_UNAUTHENTICATED if nobody, ERR_DENIED if a machine or an API key. */
MUST_CHECK bool identity_is_person(const struct rpc_call *call, struct err *err);
/* ERR_LIMIT: what did not fit into the arena. */
bool identity_is_full(struct err *err);

/* Makes tenant 1 and the first national administrator if there is no user at all; ERR_CONFIG if that needs a setting.
 */
MUST_CHECK bool bootstrap(struct identity *identity, struct err *err);
