#include "role_store.h"
#include "auth/auth.h"
#include "identity.h"
#include <inttypes.h>

#define COLUMNS "name, description, array_to_string(permissions, ' '), created_at, updated_at"

static bool is_missing(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such role");
}

static bool fill(
    Nwims__V1__Role *role, const struct store_result *rows, size_t row, struct arena *arena, struct err *err)
{
    role->id = role->name = store_result_copy(rows, row, 0, arena);
    role->description = store_result_copy(rows, row, 1, arena);
    role->has_built_in = role->has_created_at = role->has_updated_at = true;
    role->created_at = store_result_time(rows, row, 3);
    role->updated_at = store_result_time(rows, row, 4);
    return (role->name &&
               identity_split(arena, store_result_text(rows, row, 2), &role->permissions, &role->n_permissions)) ||
           identity_is_full(err);
}

static bool fill_only(Nwims__V1__Role *role, const struct store_result *rows, struct arena *arena, struct err *err)
{
    return store_result_rows(rows) == 1 ? fill(role, rows, 0, arena, err) : is_missing(err);
}

static bool add_role(Nwims__V1__ListRolesReply *reply, struct arena *arena, Nwims__V1__Role **out_role)
{
    ProtobufCMessage *made = wire_new(arena, &nwims__v1__role__descriptor);
    *out_role = (Nwims__V1__Role *)made;
    if (*out_role)
        reply->items[reply->n_items++] = *out_role;
    return *out_role != NULL;
}

static bool add_built_in(Nwims__V1__ListRolesReply *reply, const char *name, struct arena *arena)
{
    Nwims__V1__Role *role;
    if (!add_role(reply, arena, &role))
        return false;
    role->id = role->name = arena_text(arena, name);
    role->description = arena_text(arena, role_description(name));
    role->has_built_in = role->built_in = true;
    return role->name && role->description &&
           identity_split(arena, role_permissions(name), &role->permissions, &role->n_permissions);
}

bool role_store_list(struct store_session *session, int32_t tenant_id, struct arena *arena,
    Nwims__V1__ListRolesReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    size_t built_in = 0;
    while (role_names[built_in])
        built_in++;
    if (!store_query(session, &rows, "SELECT " COLUMNS " FROM role WHERE tenant_id = $1 ORDER BY name",
            PARAMS(PARAM_INT(tenant_id)), err))
        return false;
    out_reply->items = arena_alloc_array(arena, built_in + store_result_rows(rows), sizeof(void *));
    if (!out_reply->items)
        return identity_is_full(err);
    for (size_t i = 0; i < built_in; i++)
        if (!add_built_in(out_reply, role_names[i], arena))
            return identity_is_full(err);
    for (size_t row = 0; row < store_result_rows(rows); row++) {
        Nwims__V1__Role *role;
        if (!add_role(out_reply, arena, &role) || !fill(role, rows, row, arena, err))
            return identity_is_full(err);
    }
    return true;
}

bool role_store_get(struct store_session *session, int32_t tenant_id, const char *name, struct arena *arena,
    Nwims__V1__Role *out_role, struct err *err)
{
    AUTO(store_result) rows = NULL;
    return store_query(session, &rows, "SELECT " COLUMNS " FROM role WHERE tenant_id = $1 AND name = $2",
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(name)), err) &&
           fill_only(out_role, rows, arena, err);
}

bool role_store_permissions(struct store_session *session, int32_t tenant_id, const char *name, struct arena *arena,
    const char **out_permissions, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT array_to_string(permissions, ' ') FROM role WHERE tenant_id = $1 AND name = $2 FOR SHARE",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(name)), err))
        return false;
    if (store_result_rows(rows) != 1)
        return is_missing(err);
    *out_permissions = store_result_copy(rows, 0, 0, arena);
    return *out_permissions || identity_is_full(err);
}

static const char *const *texts_of(char **texts)
{
    return (const char *const *)texts;
}

bool role_store_create(struct store_session *session, int32_t tenant_id, const Nwims__V1__Role *role,
    struct arena *arena, Nwims__V1__Role *out_role, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "INSERT INTO role (tenant_id, name, description, permissions) SELECT $1, $2, $3, $4 "
            "WHERE (SELECT count(*) FROM role WHERE tenant_id = $1) < $5::int8 RETURNING " COLUMNS,
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(role->name), PARAM_TEXT(role->description),
                PARAM_TEXTS(texts_of(role->permissions), role->n_permissions), PARAM_INT(MOST_CUSTOM_ROLES)),
            err))
        return err->kind == ERR_CONFLICT
                   ? err_set(err, ERR_CONFLICT, "there is a role %s already, or no such tenant", role->name)
                   : false;
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_CONFLICT, "a tenant has at most %d roles of its own", MOST_CUSTOM_ROLES);
    return fill(out_role, rows, 0, arena, err);
}

bool role_store_update(struct store_session *session, int32_t tenant_id, const Nwims__V1__UpdateRoleRequest *request,
    bool clears_description, struct arena *arena, Nwims__V1__Role *out_role, struct err *err)
{
    AUTO(store_result) rows = NULL;
    const struct store_param permissions =
        request->n_permissions > 0 ? PARAM_TEXTS(texts_of(request->permissions), request->n_permissions) : PARAM_NULL;
    return store_query(session, &rows,
               "UPDATE role SET description = CASE WHEN $5::bool THEN NULL ELSE coalesce($3, description) END, "
               "permissions = coalesce($4::text[], permissions), updated_at = now() WHERE tenant_id = $1 AND name = $2 "
               "RETURNING " COLUMNS,
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(request->id), PARAM_TEXT(request->description), permissions,
                   PARAM_BOOL(clears_description)),
               err) &&
           fill_only(out_role, rows, arena, err);
}

bool role_store_delete(struct store_session *session, int32_t tenant_id, const char *name, struct err *err)
{
    AUTO(store_result) rows = NULL;
    int64_t deleted;
    if (!store_query(session, &rows,
            "SELECT count(*) FROM app_user u WHERE u.tenant_id = $1 AND ($2 = ANY (u.roles) OR EXISTS (SELECT 1 FROM "
            "role_assignment a WHERE a.tenant_id = $1 AND a.user_id = u.id AND a.role = $2))",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(name)), err))
        return false;
    int64_t holders = store_result_int(rows, 0, 0);
    if (holders > 0)
        return err_set(err, ERR_CONFLICT, "%" PRId64 " users have this role: give them others first", holders);
    if (!store_run(session, "DELETE FROM role WHERE tenant_id = $1 AND name = $2",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(name)), &deleted, err))
        return false;
    return deleted == 1 || is_missing(err);
}
