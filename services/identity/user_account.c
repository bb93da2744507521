#include "user_account.h"
#include "base/log.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

static bool copy_column(char *target, size_t size, const struct store_result *result, size_t column, struct err *err)
{
    const char *text = store_result_text(result, 0, column);
    return text_copy(target, size, text ? text : "", text ? strlen(text) : 0) ||
           err_set(err, ERR_BUG, "column %zu of an account does not fit into %zu bytes", column, size);
}

static bool read_row(struct user_account *account, const struct store_result *row, struct err *err)
{
    account->tenant_id = (int32_t)store_result_int(row, 0, 0);
    account->is_active = store_result_bool(row, 0, 1);
    account->epoch = (int32_t)store_result_int(row, 0, 2);
    account->tenant_epoch = (int32_t)store_result_int(row, 0, 3);
    account->mfa_enabled = store_result_bool(row, 0, 6);
    return copy_column(account->email, sizeof account->email, row, 4, err) &&
           copy_column(account->name, sizeof account->name, row, 5, err);
}

static bool add_items(char scope[GRANT_SCOPE_SIZE], char kind, const char *ids)
{
    while (*ids) {
        size_t length = strcspn(ids, " "), used = strlen(scope);
        if (used + length + 4 > GRANT_SCOPE_SIZE)
            return false;
        snprintf(scope + used, GRANT_SCOPE_SIZE - used, "%s%c:%.*s", used ? " " : "", kind, (int)length, ids);
        ids += length;
        ids += *ids == ' ';
    }
    return true;
}

bool user_account_scope(
    char scope[GRANT_SCOPE_SIZE], const char *region_ids, const char *municipality_ids, struct err *err)
{
    scope[0] = '\0';
    return (add_items(scope, 'r', region_ids) && add_items(scope, 'm', municipality_ids)) ||
           err_set(err, ERR_LIMIT, "a role holds in at most %d regions and municipalities", MOST_SCOPE_ITEMS);
}

static void add_role_name(struct user_account *account, const char *role)
{
    size_t used = strlen(account->roles), length = strlen(role);
    if (used + length + 2 <= sizeof account->roles)
        snprintf(account->roles + used, sizeof account->roles - used, "%s%s", used ? " " : "", role);
}

static void add_grant(struct user_account *account, const struct store_result *rows, size_t row)
{
    const char *role = store_result_text(rows, row, 0), *own = store_result_text(rows, row, 1);
    const char *built_in = role_permissions(role);
    const char *permissions = *built_in ? built_in : own ? own : "";
    char scope[GRANT_SCOPE_SIZE];
    struct grants before = account->grants;
    struct err err = { 0 };
    if (!*permissions)
        err_set(&err, ERR_BUG, "the role is unknown here");
    if (err.kind != ERR_NONE ||
        !user_account_scope(scope, store_result_text(rows, row, 2), store_result_text(rows, row, 3), &err) ||
        !grants_add(&account->grants, scope, permissions, &err)) {
        account->grants = before;
        log_warn(NULL, "role.left_out", LOG_TEXT("user_id", account->id), LOG_TEXT("role", role), LOG_ERR(&err));
        return;
    }
    if (!*scope)
        add_role_name(account, role);
}

bool user_account_read(struct store_session *session, const char *user_id, struct user_account *out_account,
    bool *out_found, struct err *err)
{
    AUTO(store_result) row = NULL;
    AUTO(store_result) grants = NULL;
    *out_account = (struct user_account){ 0 };
    *out_found = false;
    if (!store_query(session, &row,
            "SELECT tenant_id, is_active, user_epoch, tenant_epoch, email, name, mfa_enabled FROM find_account($1)",
            PARAMS(PARAM_TEXT(user_id)), err))
        return false;
    if (store_result_rows(row) != 1)
        return true;
    if (!text_copy(out_account->id, sizeof out_account->id, user_id, strlen(user_id)) ||
        !read_row(out_account, row, err) ||
        !store_query(session, &grants, "SELECT role, permissions, region_ids, municipality_ids FROM find_grants($1)",
            PARAMS(PARAM_TEXT(user_id)), err))
        return false;
    for (size_t i = 0; i < store_result_rows(grants); i++)
        add_grant(out_account, grants, i);
    *out_found = true;
    return true;
}
