/* What somebody may do, and where: permissions in the whole tenant, and permissions in parts of it (regions,
 * municipalities). Decisions, no I/O. Any thread. */
#pragma once
#include "auth/auth.h"

/* A scope is "" for the whole tenant, else region and municipality ids, each "r:" or "m:" and a UUID, separated by one
 * space. The grants of a token are one text: <scope>=<permissions>, separated by ";". */
enum { MOST_SCOPED_GRANTS = 8, MOST_SCOPE_ITEMS = 12, GRANT_SCOPE_SIZE = 512 };

struct grants {
    char permissions[CLAIM_PERMISSIONS_SIZE]; /* in the whole tenant  */
    char scoped[CLAIM_GRANTS_SIZE];           /* in parts of it, ""   */
};

/* Adds what one assignment of a role gives. Those of the whole tenant come first: what they give is left out of the
 * others. ERR_LIMIT, with a text fit for who assigns, if all together are more than a token may hold: more than
 * MOST_SCOPED_GRANTS scopes, MOST_SCOPE_ITEMS different places, or bytes. */
MUST_CHECK bool grants_add(struct grants *grants, const char *scope, const char *permissions, struct err *err);

/* The decision on one call: whether needed is granted at all, in which scope ("": the whole tenant wins, else all the
 * places together where it is), and which permissions hold in the whole of that scope. needed "" is granted to
 * everybody. */
MUST_CHECK bool grants_decide(const char *permissions, const char *scoped, const char *needed,
    char out_permissions[CLAIM_PERMISSIONS_SIZE], char out_scope[GRANT_SCOPE_SIZE]);
/* Every permission of the grants that limit has too, place by place as far as limit is tenant-wide; what limit has only
 * in parts of the tenant counts in the same scope text. For keys, which never do more than who made them. ERR_LIMIT as
 * grants_add. */
MUST_CHECK bool grants_intersect(
    struct grants *out, const struct grants *grants, const struct grants *limit, struct err *err);
/* Whether have, in the whole tenant, covers every permission of the grants, wherever they hold. */
MUST_CHECK bool grants_covered_by(const struct grants *grants, const char *have);

/* One after the other; false at the end. at starts as grants.scoped. The texts are cut to their size, which they never
 * reach in grants made by grants_add. */
MUST_CHECK bool grants_next(const char **at, char scope[GRANT_SCOPE_SIZE], char permissions[CLAIM_PERMISSIONS_SIZE]);
