/* Writes that come twice, fields that become null, and what changes between the two halves of a login. */
#include "tests/integration/identity_stack.h"

static int32_t lakeside;

static int start(void **state)
{
    if (start_served(state) != 0)
        return -1;
    lakeside = create_tenant("lakeside", NULL)->id;
    struct rpc_caller caller = national(lakeside);
    must(create_user(&caller, "boss@lakeside.example", "tenant_admin") != NULL);
    return 0;
}

static struct rpc_caller keyed(struct rpc_caller caller, const char *key)
{
    snprintf(caller.idempotency_key, sizeof caller.idempotency_key, "%s", key);
    return caller;
}

/* ---- writes that come twice -------------------------------------------------------------------------------------- */
static void a_write_with_a_key_is_done_once_and_answered_twice(void **state)
{
    struct rpc_caller boss = keyed(national(lakeside), "user-1"), other = boss;
    (void)state;
    Nwims__V1__User *first = create_user(&boss, "clerk@lakeside.example", "viewer");
    must(first != NULL);
    Nwims__V1__User *again = create_user(&boss, "clerk@lakeside.example", "viewer");
    must(again != NULL);
    assert_string_equal(again->id, first->id);
    assert_int_equal(
        number_of(superuser, "SELECT count(*) FROM identity.app_user WHERE email = 'clerk@lakeside.example'"), 1);
    expect_refused(create_user(&boss, "other@lakeside.example", "viewer"), ERR_INPUT, "Idempotency-Key");
    snprintf(other.actor, sizeof other.actor, "0190b8a0-0000-7000-8000-000000000002");
    must(create_user(&other, "third@lakeside.example", "viewer") != NULL); /* a key belongs to who sent it */
    struct rpc_caller plain = national(lakeside);
    expect_refused(create_user(&plain, "clerk@lakeside.example", "viewer"), ERR_CONFLICT, NULL);
}

static void what_was_refused_may_be_tried_again_with_the_key(void **state)
{
    struct rpc_caller boss = keyed(national(lakeside), "user-2");
    (void)state;
    expect_refused(create_user(&boss, "clerk@lakeside.example", "viewer"), ERR_CONFLICT, NULL);
    sql("DELETE FROM identity.app_user WHERE email = 'clerk@lakeside.example'");
    must(create_user(&boss, "clerk@lakeside.example", "viewer") != NULL);
}

static void a_secret_is_not_given_twice(void **state)
{
    struct rpc_caller boss = keyed(person("boss@lakeside.example"), "key-1");
    Nwims__V1__ApiKey request = NWIMS__V1__API_KEY__INIT;
    Nwims__V1__ResetPasswordRequest reset = NWIMS__V1__RESET_PASSWORD_REQUEST__INIT;
    char *permissions[] = { t("sensors:read") };
    (void)state;
    request.name = t("SCADA export");
    request.permissions = permissions;
    request.n_permissions = 1;
    must(call("CreateApiKey", &boss, &request.base) != NULL);
    expect_refused(call("CreateApiKey", &boss, &request.base), ERR_CONFLICT, NULL);
    assert_int_equal(number_of(superuser, "SELECT count(*) FROM identity.api_key"), 1);
    struct rpc_caller plain = national(lakeside), again = keyed(national(lakeside), "reset-1");
    reset.id = t(create_user(&plain, "lost@lakeside.example", "viewer")->id);
    must(call("ResetPassword", &again, &reset.base) != NULL);
    expect_refused(call("ResetPassword", &again, &reset.base), ERR_CONFLICT, NULL);
    assert_int_equal(number_of(superuser,
                         "SELECT count(*) FROM identity.idempotency WHERE method IN ('CreateApiKey', 'ResetPassword') "
                         "AND reply IS NOT NULL"),
        0);
}

/* A plain hash of the request would let the password in it be guessed by whoever reads the table. */
static void the_hash_of_a_request_tells_nothing_about_its_password(void **state)
{
    struct rpc_caller boss = keyed(national(lakeside), "user-3");
    Nwims__V1__CreateUserRequest request = NWIMS__V1__CREATE_USER_REQUEST__INIT;
    AUTO_INPLACE(buffer) bytes = { 0 };
    unsigned char hash[SHA256_SIZE];
    char query[200], hex[2 * SHA256_SIZE + 1];
    char *roles[] = { t("viewer"), t("viewer") };
    (void)state;
    must(create_user(&boss, "hashed@lakeside.example", "viewer") != NULL);
    request.email = t("hashed@lakeside.example");
    request.password = t(USUAL_WORD);
    request.roles = roles;
    request.n_roles = 2;
    must(wire_encode(&bytes, &request.base, &err));
    auth_sha256(hash, bytes.data, bytes.size);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    snprintf(query, sizeof query, "SELECT count(*) FROM identity.idempotency WHERE request_hash = '\\x%s'", hex);
    assert_int_equal(number_of(superuser, query), 0);
    assert_int_equal(number_of(superuser, "SELECT count(*) FROM identity.idempotency WHERE key = 'user-3'"), 1);
}

static void writes_about_tenants_are_done_once_too(void **state)
{
    struct rpc_caller nation = keyed(national(1), "tenant-1"), nowhere = keyed(national(0), "tenant-2");
    Nwims__V1__Tenant request = NWIMS__V1__TENANT__INIT;
    Nwims__V1__TenantId id = NWIMS__V1__TENANT_ID__INIT;
    (void)state;
    request.name = t("Waterworks");
    request.code = t("seaside");
    Nwims__V1__Tenant *first = call("CreateTenant", &nation, &request.base);
    must(first != NULL);
    Nwims__V1__Tenant *again = call("CreateTenant", &nation, &request.base);
    must(again != NULL);
    assert_int_equal(again->id, first->id);
    request.code = t("riverside");
    must(call("CreateTenant", &nowhere, &request.base) != NULL);
    must(call("CreateTenant", &nowhere, &request.base) != NULL);
    /* About another tenant than the one at work: row-level security binds the key to the one, the write to the other.
     */
    nation = keyed(national(1), "suspend-1");
    id.has_id = true;
    id.id = first->id;
    char query[120];
    snprintf(query, sizeof query, "SELECT epoch FROM identity.tenant WHERE id = %d", id.id);
    must(call("SuspendTenant", &nation, &id.base) != NULL);
    must(call("SuspendTenant", &nation, &id.base) != NULL);
    assert_int_equal(number_of(superuser, query), 1);
}

static void the_keeper_removes_keys_of_yesterday(void **state)
{
    (void)state;
    sql("UPDATE identity.idempotency SET created_at = now() - interval '25 hours' WHERE key = 'user-1'; SELECT "
        "identity.purge()");
    assert_int_equal(number_of(superuser, "SELECT count(*) FROM identity.idempotency WHERE key = 'user-1'"), 0);
    assert_true(number_of(superuser, "SELECT count(*) FROM identity.idempotency") > 0);
}

/* ---- null -------------------------------------------------------------------------------------------------------- */
static void null_clears_what_may_be_absent_and_nothing_else(void **state)
{
    struct rpc_caller caller = national(lakeside), nation = national(1);
    Nwims__V1__User user = NWIMS__V1__USER__INIT;
    Nwims__V1__Tenant tenant = NWIMS__V1__TENANT__INIT;
    Nwims__V1__Role role = NWIMS__V1__ROLE__INIT;
    Nwims__V1__UpdateRoleRequest update = NWIMS__V1__UPDATE_ROLE_REQUEST__INIT;
    char *name[] = { t("name") }, *email[] = { t("email") }, *parent[] = { t("parent_id") },
         *zone[] = { t("time_zone") }, *description[] = { t("description") }, *permissions[] = { t("sensors:read") };
    (void)state;
    Nwims__V1__User *made = create_user(&caller, "named@lakeside.example", "viewer");
    must(made != NULL);
    user.id = t(made->id);
    user.name = t("Ada");
    assert_string_equal(((Nwims__V1__User *)call("UpdateUser", &caller, &user.base))->name, "Ada");
    user.name = NULL;
    user.clear = name;
    user.n_clear = 1;
    made = call("UpdateUser", &caller, &user.base);
    must(made != NULL);
    assert_null(made->name);
    user.clear = email;
    expect_refused(call("UpdateUser", &caller, &user.base), ERR_INPUT, "email");
    tenant.has_id = true;
    tenant.id = lakeside;
    tenant.clear = parent;
    tenant.n_clear = 1;
    Nwims__V1__Tenant *changed = call("UpdateTenant", &nation, &tenant.base);
    must(changed != NULL);
    assert_int_equal(changed->parent_id, 0);
    tenant.clear = zone;
    expect_refused(call("UpdateTenant", &nation, &tenant.base), ERR_INPUT, "time_zone");
    role.name = t("reader");
    role.description = t("Reads");
    role.permissions = permissions;
    role.n_permissions = 1;
    must(call("CreateRole", &caller, &role.base) != NULL);
    update.id = t("reader");
    update.clear = description;
    update.n_clear = 1;
    Nwims__V1__Role *cleared = call("UpdateRole", &caller, &update.base);
    must(cleared != NULL);
    assert_null(cleared->description);
    assert_int_equal(cleared->n_permissions, 1);
}

/* ---- between the halves of a login ------------------------------------------------------------------------------- */
/* The slow check of the password stands between looking the user up and letting them in: the function that looks up
 * says how it was before. */
static void who_is_disabled_while_the_password_is_checked_is_told_what_all_are_told(void **state)
{
    char usual[sizeof err.text];
    (void)state;
    assert_null(login("boss@lakeside.example", "wrong password"));
    memcpy(usual, err.text, sizeof usual);
    sql("UPDATE identity.app_user SET state = 'disabled' WHERE email = 'boss@lakeside.example'; "
        "ALTER FUNCTION identity.find_login(text, integer) RENAME TO find_login_now; "
        "CREATE FUNCTION identity.find_login(wanted_email text, wanted_tenant integer) RETURNS TABLE (user_id uuid, "
        "tenant_id "
        "integer, password_hash text, roles text, is_active boolean) LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT "
        "user_id, "
        "tenant_id, password_hash, roles, true FROM identity.find_login_now(wanted_email, wanted_tenant) $$; "
        "GRANT EXECUTE ON FUNCTION identity.find_login TO nwims_identity");
    expect_refused(login("boss@lakeside.example", USUAL_WORD), ERR_UNAUTHENTICATED, NULL);
    assert_string_equal(err.text, usual);
    sql("UPDATE identity.tenant SET state = 'suspended' WHERE code = 'lakeside'; UPDATE identity.app_user SET state = "
        "'active'");
    expect_refused(login("boss@lakeside.example", USUAL_WORD), ERR_UNAUTHENTICATED, NULL);
    assert_string_equal(err.text, usual);
    sql("UPDATE identity.tenant SET state = 'active'");
    must(login("boss@lakeside.example", USUAL_WORD) != NULL);
    sql("DROP FUNCTION identity.find_login; ALTER FUNCTION identity.find_login_now RENAME TO find_login");
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    check_forgotten_tenant(10, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_with_a_key_is_done_once_and_answered_twice),
        cmocka_unit_test(what_was_refused_may_be_tried_again_with_the_key),
        cmocka_unit_test(a_secret_is_not_given_twice),
        cmocka_unit_test(the_hash_of_a_request_tells_nothing_about_its_password),
        cmocka_unit_test(writes_about_tenants_are_done_once_too),
        cmocka_unit_test(the_keeper_removes_keys_of_yesterday),
        cmocka_unit_test(null_clears_what_may_be_absent_and_nothing_else),
        cmocka_unit_test(who_is_disabled_while_the_password_is_checked_is_told_what_all_are_told),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop_servers);
}
