#include "assignment.h"
#include "base/uuid.h"
#include "places.h"
#include "role_store.h"
#include "user_account.h"
#include <string.h>

/* ---- reading -------------------------------------------------------------------------------------------------------
 */
static bool has_text(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

static bool add_role(struct assignments *out, struct rpc_call *call, const char *role, struct err *err)
{
    if (has_text(out->roles, out->role_count, role))
        return true;
    if (out->role_count == MOST_ROLES)
        return rpc_violation(call, err, "roles", "must be at most %d", MOST_ROLES);
    out->roles[out->role_count++] = role;
    return true;
}

static bool add_places(const char **places, size_t *count, struct rpc_call *call, const char *field, char *const *ids,
    size_t id_count, struct err *err)
{
    for (size_t i = 0; i < id_count; i++) {
        struct uuid uuid;
        char text[UUID_TEXT_SIZE];
        if (!uuid_parse(ids[i], strlen(ids[i]), &uuid))
            return rpc_violation(call, err, field, "\"%.40s\" is no id", ids[i]);
        uuid_format(text, &uuid);
        if (has_text(places, *count, text))
            continue;
        if (*count == MOST_PLACES)
            return rpc_violation(call, err, field, "must be at most %d", MOST_PLACES);
        places[*count] = arena_text(call->arena, text);
        if (!places[(*count)++])
            return identity_is_full(err);
    }
    return true;
}

static struct scoped_role *scoped_of(struct assignments *out, const char *role)
{
    for (size_t i = 0; i < out->scoped_count; i++)
        if (strcmp(out->scoped[i].role, role) == 0)
            return &out->scoped[i];
    if (out->scoped_count == MOST_SCOPED_GRANTS)
        return NULL;
    out->scoped[out->scoped_count] = (struct scoped_role){ .role = role };
    return &out->scoped[out->scoped_count++];
}

static bool add_scoped(
    struct assignments *out, struct rpc_call *call, const Nwims__V1__RoleAssignment *assignment, struct err *err)
{
    struct scoped_role *scoped = scoped_of(out, assignment->role);
    if (!scoped)
        return rpc_violation(call, err, "assignments", "must be at most %d different roles", MOST_SCOPED_GRANTS);
    return add_places(scoped->region_ids, &scoped->region_count, call, "assignments.region_ids", assignment->region_ids,
               assignment->n_region_ids, err) &&
           add_places(scoped->municipality_ids, &scoped->municipality_count, call, "assignments.municipality_ids",
               assignment->municipality_ids, assignment->n_municipality_ids, err);
}

static void drop_what_holds_everywhere(struct assignments *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < out->scoped_count; i++)
        if (!has_text(out->roles, out->role_count, out->scoped[i].role))
            out->scoped[kept++] = out->scoped[i];
    out->scoped_count = kept;
}

bool assignments_read(struct assignments *out, struct rpc_call *call, char *const *roles, size_t role_count,
    Nwims__V1__RoleAssignment *const *scoped, size_t scoped_count, struct err *err)
{
    *out = (struct assignments){ 0 };
    for (size_t i = 0; i < role_count; i++)
        if (!add_role(out, call, roles[i], err))
            return false;
    for (size_t i = 0; i < scoped_count; i++) {
        const Nwims__V1__RoleAssignment *one = scoped[i];
        if (!one->role || !*one->role)
            return rpc_violation(call, err, "assignments", "each names a role");
        bool is_everywhere = one->n_region_ids + one->n_municipality_ids == 0;
        if (is_everywhere ? !add_role(out, call, one->role, err) : !add_scoped(out, call, one, err))
            return false;
    }
    drop_what_holds_everywhere(out);
    return out->role_count + out->scoped_count > 0 ||
           rpc_violation(call, err, "roles", "must be at least one, or one of assignments");
}

/* ---- checking ------------------------------------------------------------------------------------------------------
 */
bool assignments_check_places(
    const struct assignments *assignments, const struct identity *identity, struct rpc_call *call, struct err *err)
{
    for (size_t i = 0; i < assignments->scoped_count; i++) {
        const struct scoped_role *scoped = &assignments->scoped[i];
        const struct places places = { .region_field = "assignments.region_ids",
            .municipality_field = "assignments.municipality_ids",
            .region_ids = scoped->region_ids,
            .region_count = scoped->region_count,
            .municipality_ids = scoped->municipality_ids,
            .municipality_count = scoped->municipality_count };
        if (!places_check(identity, call, &places, err))
            return false;
    }
    return true;
}

/* The permissions of a role in the arena; NULL with a violation in err if there is none for people. */
static const char *permissions_of(
    struct store_session *session, struct rpc_call *call, const char *role, const char *field, struct err *err)
{
    const char *permissions = NULL;
    if (account_role_is_built_in(role))
        return role_permissions(role);
    if (*role_permissions(role) ||
        !role_store_permissions(session, call->caller->tenant_id, role, call->arena, &permissions, err)) {
        if (err->kind == ERR_NONE || err->kind == ERR_NOT_FOUND)
            rpc_violation(call, err, field, "there is no role \"%.40s\" for a person", role);
        return NULL;
    }
    return permissions;
}

static bool check_one(struct grants *grants, struct store_session *session, struct rpc_call *call, const char *role,
    const char *scope, const char *field, struct err *err)
{
    const char *permissions = permissions_of(session, call, role, field, err);
    if (!permissions)
        return false;
    if (!permission_covers(call->caller->permissions, permissions))
        return err_set(err, ERR_DENIED, "the role %.40s may do more than you: you cannot give it", role);
    if (grants_add(grants, scope, permissions, err))
        return true;
    char reason[sizeof err->text];
    memcpy(reason, err->text, sizeof reason);
    return rpc_violation(call, err, field, "%s", reason);
}

static bool join(char text[GRANT_SCOPE_SIZE], const char *const *ids, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(ids[i]);
        if (length + size + 2 > GRANT_SCOPE_SIZE)
            return false;
        memcpy(text + length, ids[i], size);
        length += size;
        text[length++] = ' ';
    }
    text[length ? length - 1 : 0] = '\0';
    return true;
}

static bool check_scoped(struct grants *grants, struct store_session *session, struct rpc_call *call,
    const struct scoped_role *scoped, struct err *err)
{
    char regions[GRANT_SCOPE_SIZE], municipalities[GRANT_SCOPE_SIZE], scope[GRANT_SCOPE_SIZE];
    if (!join(regions, scoped->region_ids, scoped->region_count) ||
        !join(municipalities, scoped->municipality_ids, scoped->municipality_count) ||
        !user_account_scope(scope, regions, municipalities, err))
        return rpc_violation(
            call, err, "assignments", "a role holds in at most %d regions and municipalities", MOST_SCOPE_ITEMS);
    return check_one(grants, session, call, scoped->role, scope, "assignments", err);
}

bool assignments_check(
    const struct assignments *assignments, struct store_session *session, struct rpc_call *call, struct err *err)
{
    struct grants grants = { 0 };
    size_t name_bytes = 0;
    for (size_t i = 0; i < assignments->role_count; i++) {
        name_bytes += strlen(assignments->roles[i]) + 1;
        if (!check_one(&grants, session, call, assignments->roles[i], "", "roles", err))
            return false;
    }
    if (name_bytes > sizeof((struct access_claims *)0)->roles)
        return rpc_violation(call, err, "roles", "have names that are too long together for a token");
    for (size_t i = 0; i < assignments->scoped_count; i++)
        if (!check_scoped(&grants, session, call, &assignments->scoped[i], err))
            return false;
    return true;
}
