#include "user_store.h"
#include "identity.h"
#include <string.h>

#define COLUMNS "id, tenant_id, email, name, array_to_string(roles, ' '), state, created_at"

static bool is_full(struct err *err)
{
    return err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool fill(
    Nwims__V1__User *user, const struct store_result *rows, size_t row, struct arena *arena, struct err *err)
{
    user->id = store_result_copy(rows, row, 0, arena);
    user->has_tenant_id = user->has_created_at = true;
    user->tenant_id = (int32_t)store_result_int(rows, row, 1);
    user->email = store_result_copy(rows, row, 2, arena);
    user->name = store_result_copy(rows, row, 3, arena);
    user->state = store_result_copy(rows, row, 5, arena);
    user->created_at = store_result_time(rows, row, 6);
    return (user->id && user->email && user->state &&
               identity_split(arena, store_result_text(rows, row, 4), &user->roles, &user->n_roles)) ||
           is_full(err);
}

bool user_store_create(struct store_session *session, const struct new_user *user, struct arena *arena,
    Nwims__V1__User *out_user, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (store_query(session, &rows,
            "INSERT INTO app_user (tenant_id, id, email, name, password_hash, roles) VALUES ($1, $2, $3, $4, $5, $6) "
            "RETURNING " COLUMNS,
            PARAMS(PARAM_INT(user->tenant_id), PARAM_TEXT(user->id), PARAM_TEXT(user->email), PARAM_TEXT(user->name),
                PARAM_TEXT(user->password_hash), PARAM_TEXTS(user->roles, user->role_count)),
            err))
        return fill(out_user, rows, 0, arena, err);
    if (err->kind != ERR_CONFLICT)
        return false;
    if (strcmp(store_broken_constraint(session), "app_user_email") == 0)
        return err_set(err, ERR_CONFLICT, "there is a user with this e-mail address already");
    return err_set(err, ERR_NOT_FOUND, "there is no such tenant");
}

bool user_store_get(struct store_session *session, int32_t tenant_id, const char *id, struct arena *arena,
    Nwims__V1__User *out_user, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows, "SELECT " COLUMNS " FROM app_user WHERE tenant_id = $1 AND id = $2",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(id)), err))
        return false;
    return store_result_rows(rows) == 1 ? fill(out_user, rows, 0, arena, err)
                                        : err_set(err, ERR_NOT_FOUND, "there is no such user");
}

static bool fill_page(Nwims__V1__ListUsersReply *reply, const struct store_result *rows, size_t count,
    struct arena *arena, struct err *err)
{
    reply->items = arena_alloc_array(arena, count, sizeof(void *));
    if (count && !reply->items)
        return is_full(err);
    for (size_t row = 0; row < count; row++) {
        ProtobufCMessage *made = wire_new(arena, &nwims__v1__user__descriptor);
        Nwims__V1__User *user = (Nwims__V1__User *)made;
        if (!user || !fill(user, rows, row, arena, err))
            return is_full(err);
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
            "SELECT " COLUMNS
            " FROM app_user WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2::uuid) ORDER BY id LIMIT $3::int8",
            PARAMS(PARAM_INT(tenant_id), PARAM_TEXT(after), PARAM_INT(limit + 1)), err))
        return false;
    size_t count = store_result_rows(rows);
    bool has_more = count > (size_t)limit;
    count -= has_more;
    if (!fill_page(out_reply, rows, count, arena, err))
        return false;
    if (has_more)
        out_reply->next_cursor = store_result_copy(rows, count - 1, 0, arena);
    return !has_more || out_reply->next_cursor || is_full(err);
}
