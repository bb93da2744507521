/* Which roles somebody is to have, and where: read from a request, checked, and turned into grants. */
#pragma once
#include "account.h"
#include "auth/grants.h"
#include "identity.h"

enum { MOST_PLACES = MOST_SCOPE_ITEMS };

/* One role in parts of the tenant. Ids in lower case. */
struct scoped_role {
    const char *role;
    const char *region_ids[MOST_PLACES];
    size_t region_count;
    const char *municipality_ids[MOST_PLACES];
    size_t municipality_count;
};
struct assignments {
    const char *roles[MOST_ROLES]; /* in the whole tenant */
    size_t role_count;
    struct scoped_role scoped[MOST_SCOPED_GRANTS];
    size_t scoped_count;
};

/* Gathers roles and assignments of a request: each role once, a role of the whole tenant swallows the same one in parts
 * of it. Texts are the request's or the arena's. Names what is wrong as a violation; ERR_INPUT then. */
MUST_CHECK bool assignments_read(struct assignments *out, struct rpc_call *call, char *const *roles, size_t role_count,
    Nwims__V1__RoleAssignment *const *scoped, size_t scoped_count, struct err *err);
/* Whether the tenant has all of their regions and municipalities; see places_check. */
MUST_CHECK bool assignments_check_places(
    const struct assignments *assignments, const struct identity *identity, struct rpc_call *call, struct err *err);
/* Within a transaction in the tenant: whether every role exists, the caller may give it (has every permission of it in
 * the whole tenant), and all fits into a token. ERR_INPUT with violations, or ERR_DENIED. */
MUST_CHECK bool assignments_check(
    const struct assignments *assignments, struct store_session *session, struct rpc_call *call, struct err *err);
