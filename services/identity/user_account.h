/* A user as a token sees one: whether active, what may be done where, and the numbers below which tokens are dead.
 * Reads through functions of the schema, so the tenant of the transaction does not matter. */
#pragma once
#include "auth/grants.h"
#include "store/store.h"

struct user_account {
    char id[40];
    int32_t tenant_id;
    bool is_active; /* the user and the tenant */
    bool mfa_enabled;
    int32_t epoch, tenant_epoch;
    char email[256];
    char name[808];  /* "" for none */
    char roles[256]; /* in the whole tenant */
    struct grants grants;
};

/* user_id must not lie in out_account. out_found is false if there is no such user. A role that is unknown here, or
 * that does not fit any more because it has grown, grants nothing: rather less than more. */
MUST_CHECK bool user_account_read(struct store_session *session, const char *user_id, struct user_account *out_account,
    bool *out_found, struct err *err);
/* "r:<id> m:<id>" of two lists, separated by one space; ERR_LIMIT if that is longer than a scope may be. */
MUST_CHECK bool user_account_scope(
    char scope[GRANT_SCOPE_SIZE], const char *region_ids, const char *municipality_ids, struct err *err);
