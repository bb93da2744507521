#include "user_store.h"
#include <string.h>

/* Roles in parts of the tenant as "role|regions|municipalities;...": names and ids hold none of these signs. */
#define COLUMNS                                                                                                        \
    "u.id, u.tenant_id, u.email, u.name, array_to_string(u.roles, ' '), u.state, u.created_at, u.updated_at, "         \
    "u.last_login_at, u.mfa_enabled_at IS NOT NULL, (SELECT string_agg(a.role || '|' || "                              \
    "array_to_string(a.region_ids, "                                                                                   \
    "' ') || '|' || array_to_string(a.municipality_ids, ' '), ';' ORDER BY a.role) FROM role_assignment a WHERE "      \
    "a.tenant_id = u.tenant_id AND a.user_id = u.id)"

static bool is_missing(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such user");
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */
static size_t count_of(const char *text, char sign)
{
    size_t count = *text != '\0';
    for (; *text; text++)
        count += *text == sign;
    return count;
}

static Nwims__V1__RoleAssignment *read_assignment(const char *text, size_t length, struct arena *arena)
{
    ProtobufCMessage *made = wire_new(arena, &nwims__v1__role_assignment__descriptor);
    Nwims__V1__RoleAssignment *assignment = (Nwims__V1__RoleAssignment *)made;
    char *copy = arena_text_n(arena, text, length);
    char *regions = copy ? strchr(copy, '|') : NULL;
    char *municipalities = regions ? strchr(regions + 1, '|') : NULL;
    if (!assignment || !municipalities)
        return NULL;
    *regions++ = *municipalities++ = '\0';
    assignment->role = copy;
    return identity_split(arena, regions, &assignment->region_ids, &assignment->n_region_ids) &&
                   identity_split(arena, municipalities, &assignment->municipality_ids, &assignment->n_municipality_ids)
               ? assignment
               : NULL;
}

static bool fill_assignments(Nwims__V1__User *user, const char *text, struct arena *arena)
{
    if (!text)
        return true;
    user->assignments = arena_alloc_array(arena, count_of(text, ';'), sizeof(void *));
    while (user->assignments && *text) {
        size_t length = strcspn(text, ";");
        user->assignments[user->n_assignments] = read_assignment(text, length, arena);
        if (!user->assignments[user->n_assignments++])
            return false;
        text += length;
        text += *text == ';';
    }
    return user->assignments;
}

static bool fill(
    Nwims__V1__User *user, const struct store_result *rows, size_t row, struct arena *arena, struct err *err)
{
    user->id = store_result_copy(rows, row, 0, arena);
    user->has_tenant_id = user->has_created_at = user->has_updated_at = user->has_mfa_enabled = true;
    user->tenant_id = (int32_t)store_result_int(rows, row, 1);
    user->email = store_result_copy(rows, row, 2, arena);
    user->name = store_result_copy(rows, row, 3, arena);
    user->state = store_result_copy(rows, row, 5, arena);
    user->created_at = store_result_time(rows, row, 6);
    user->updated_at = store_result_time(rows, row, 7);
    user->has_last_login_at = !store_result_is_null(rows, row, 8);
    user->last_login_at = store_result_time(rows, row, 8);
    user->mfa_enabled = store_result_bool(rows, row, 9);
    return (user->id && user->email && user->state &&
               identity_split(arena, store_result_text(rows, row, 4), &user->roles, &user->n_roles) &&
               fill_assignments(user, store_result_text(rows, row, 10), arena)) ||
           identity_is_full(err);
}

bool user_store_get(struct store_session *session, int32_t tenant_id, const char *id, struct arena *arena,
    Nwims__V1__User *out_user, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, "SELECT " COLUMNS " FROM app_user u WHERE u.tenant_id = $1 AND u.id = $2",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id)), err))
        return false;
    return store_result_rows(rows) == 1 ? fill(out_user, rows, 0, arena, err) : is_missing(err);
}

static bool fill_page(Nwims__V1__ListUsersReply *reply, const struct store_result *rows, size_t count,
    struct arena *arena, struct err *err)
{
    reply->items = arena_alloc_array(arena, count, sizeof(void *));
    if (count && !reply->items)
        return identity_is_full(err);
    for (size_t row = 0; row < count; row++) {
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__user__descriptor);
        Nwims__V1__User *user = (Nwims__V1__User *)made;
        if (!user || !fill(user, rows, row, arena, err))
            return identity_is_full(err);
        reply->items[row] = user;
        reply->n_items = row + 1;
    }
    return true;
}

bool user_store_list(struct store_session *session, int32_t tenant_id, const char *after, int64_t limit,
    struct arena *arena, Nwims__V1__ListUsersReply *out_reply, struct err *err)
{
    AUTO(store_result) rows = NULL;
    /* Ids are sorted by the time they were made. One more than asked for tells whether there is a next page. */
    if (!store_query(session, &rows,
            "SELECT " COLUMNS " FROM app_user u WHERE u.tenant_id = $1 AND ($2::uuid IS NULL OR u.id > $2::uuid) ORDER "
            "BY u.id LIMIT $3::int8",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(after), PARAM_INT(limit + 1)), err))
        return false;
    size_t count = store_result_rows(rows);
    bool has_more = count > (size_t)limit;
    count -= has_more;
    if (!fill_page(out_reply, rows, count, arena, err))
        return false;
    if (has_more)
        out_reply->next_cursor = store_result_copy(rows, count - 1, 0, arena);
    return !has_more || out_reply->next_cursor || identity_is_full(err);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */
static bool explain(const struct store_session *session, struct err *err)
{
    if (err->kind != ERR_CONFLICT)
        return false;
    if (strcmp(store_broken_constraint(session), "app_user_email") == 0)
        return err_set(err, ERR_CONFLICT, "there is a user with this e-mail address already");
    return err_set(err, ERR_NOT_FOUND, "there is no such tenant");
}

static bool put_scoped(struct store_session *session, int32_t tenant_id, const char *id,
    const struct assignments *assignments, struct err *err)
{
    for (size_t i = 0; i < assignments->scoped_count; i++) {
        const struct scoped_role *scoped = &assignments->scoped[i];
        if (!store_run(session,
                "INSERT INTO role_assignment (tenant_id, user_id, role, region_ids, municipality_ids) VALUES ($1, $2, "
                "$3, $4::text[]::uuid[], $5::text[]::uuid[])",
                PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id), PARAM_TEXT(scoped->role),
                    PARAM_TEXTS(scoped->region_ids, scoped->region_count),
                    PARAM_TEXTS(scoped->municipality_ids, scoped->municipality_count)),
                NULL, err))
            return false;
    }
    return true;
}

/* Under the lock of the tenant's people, so that the count stays true. */
static bool has_room(struct store_session *session, int32_t tenant_id, struct err *err)
{
    AUTO(store_result) row = NULL;
    if (!store_query(session, &row,
            "SELECT t.quota_users IS NULL OR (SELECT count(*) FROM app_user u WHERE u.tenant_id = $1) < t.quota_users "
            "FROM tenant t WHERE t.id = $1",
            PARAMS(PARAM_INT(tenant_id)), err))
        return false;
    if (store_result_rows(row) != 1)
        return err_set(err, ERR_NOT_FOUND, "there is no such tenant");
    return store_result_bool(row, 0, 0) ||
           err_set(err, ERR_CONFLICT, "the tenant has as many users as its quota lets: ask for more");
}

bool user_store_create(struct store_session *session, const struct new_user *user, struct arena *arena,
    Nwims__V1__User *out_user, struct err *err)
{
    if (!has_room(session, user->tenant_id, err))
        return false;
    if (!store_run(session,
            "INSERT INTO app_user (tenant_id, id, email, name, password_hash, roles) VALUES ($1, $2, $3, $4, $5, $6)",
            PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->id), PARAM_TEXT(user->email), PARAM_TEXT(user->name),
                PARAM_TEXT(user->password_hash), PARAM_TEXTS(user->assignments->roles, user->assignments->role_count)),
            NULL, err))
        return explain(session, err);
    return put_scoped(session, user->tenant_id, user->id, user->assignments, err) &&
           user_store_get(session, user->tenant_id, user->id, arena, out_user, err);
}

/* For a statement that must have met one row. */
static bool run_one(
    struct store_session *session, const char *sql, const struct store_param *params, size_t count, struct err *err)
{
    int64_t affected;
    if (!store_run(session, sql, params, count, &affected, err))
        return explain(session, err);
    return affected == 1 || is_missing(err);
}

bool user_store_update(struct store_session *session, int32_t tenant_id, const char *id, const char *email,
    const char *name, bool clears_name, struct err *err)
{
    return run_one(session,
        "UPDATE app_user SET email = coalesce($3, email), name = CASE WHEN $5::bool THEN NULL ELSE coalesce($4, name) "
        "END, updated_at = now() WHERE tenant_id = $1 AND id = $2",
        PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id), PARAM_TEXT(email), PARAM_TEXT(name), PARAM_BOOL(clears_name)),
        err);
}

bool user_store_set_roles(struct store_session *session, int32_t tenant_id, const char *id,
    const struct assignments *assignments, struct err *err)
{
    return run_one(session, "UPDATE app_user SET roles = $3, updated_at = now() WHERE tenant_id = $1 AND id = $2",
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id), PARAM_TEXTS(assignments->roles, assignments->role_count)),
               err) &&
           store_run(session, "DELETE FROM role_assignment WHERE tenant_id = $1 AND user_id = $2",
               PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id)), NULL, err) &&
           put_scoped(session, tenant_id, id, assignments, err);
}

bool user_store_set_state(
    struct store_session *session, int32_t tenant_id, const char *id, const char *state, struct err *err)
{
    return run_one(session, "UPDATE app_user SET state = $3, updated_at = now() WHERE tenant_id = $1 AND id = $2",
        PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id), PARAM_TEXT(state)), err);
}

bool user_store_delete(struct store_session *session, int32_t tenant_id, const char *id, struct err *err)
{
    return run_one(session, "DELETE FROM app_user WHERE tenant_id = $1 AND id = $2",
        PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id)), err);
}
