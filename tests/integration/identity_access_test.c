/* What people may do, and where: roles in parts of a tenant, roles of a tenant's own. */
#include "auth/grants.h"
#include "tests/integration/identity_stack.h"

#define REGION "0190b8a0-0000-7000-8000-0000000000aa"
#define TOWN "0190b8a0-0000-7000-8000-0000000000bb"
#define THEIR_REGION "0190b8a0-0000-7000-8000-0000000000cc"
#define THEIR_TOWN "0190b8a0-0000-7000-8000-0000000000dd"
#define ASSIGNMENT_INIT NWIMS__V1__ROLE_ASSIGNMENT__INIT

static int32_t lakeside, hillside;

/* Both tenants have a region and a town; those of the other are none to it. */
static void make_places(void)
{
    char script[1024];
    start_registry();
    snprintf(script, sizeof script,
        "INSERT INTO registry.region (tenant_id, id, code, name) VALUES (%d, '" REGION
        "', 'R', 'r'), (%d, '" THEIR_REGION
        "', 'R', 'r'); INSERT INTO registry.municipality (tenant_id, id, code, name) VALUES (%d, '" TOWN
        "', 'T', 't'), (%d, '" THEIR_TOWN "', 'T', 't')",
        (int)lakeside, (int)hillside, (int)lakeside, (int)hillside);
    sql(script);
}

static int start(void **state)
{
    if (start_served(state) != 0)
        return -1;
    lakeside = create_tenant("lakeside", NULL)->id;
    hillside = create_tenant("hillside", NULL)->id;
    struct rpc_caller caller = national(lakeside);
    must(create_user(&caller, "boss@lakeside.example", "tenant_admin") != NULL);
    make_places();
    return 0;
}

/* ---- roles in parts of a tenant ---------------------------------------------------------------------------------- */
static Nwims__V1__RoleAssignment in_region(const char *role, const char *region_id)
{
    Nwims__V1__RoleAssignment assignment = ASSIGNMENT_INIT;
    assignment.role = t(role);
    assignment.region_ids = arena_alloc_array(&arena, 1, sizeof(char *));
    assignment.region_ids[0] = t(region_id);
    assignment.n_region_ids = 1;
    return assignment;
}

static Nwims__V1__User *set_roles(const struct rpc_caller *caller, const char *user_id, const char *role,
    Nwims__V1__RoleAssignment *assignments, size_t count)
{
    Nwims__V1__SetUserRolesRequest request = NWIMS__V1__SET_USER_ROLES_REQUEST__INIT;
    Nwims__V1__RoleAssignment *list[MOST_SCOPED_GRANTS + 2];
    char *roles[] = { t(role ? role : "") };
    for (size_t i = 0; i < count; i++)
        list[i] = &assignments[i];
    request.id = t(user_id);
    request.roles = roles;
    request.n_roles = role ? 1 : 0;
    request.assignments = list;
    request.n_assignments = count;
    return call("SetUserRoles", caller, &request.base);
}

/* Of what was given, and where: "" if it is not there at all. */
static bool may(const struct access_claims *claims, const char *permission, char scope[GRANT_SCOPE_SIZE])
{
    char permissions[CLAIM_PERMISSIONS_SIZE];
    return grants_decide(claims->permissions, claims->grants, permission, permissions, scope);
}

static struct access_claims claims_of(const char *email)
{
    struct access_claims claims;
    Nwims__V1__TokenReply *tokens = login(email, USUAL_WORD);
    must(tokens != NULL);
    must(verify(tokens->access_token, &claims));
    return claims;
}

static void a_role_in_a_part_of_the_tenant_is_in_the_token_with_its_places(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example");
    char scope[GRANT_SCOPE_SIZE];
    (void)state;
    Nwims__V1__User *made = create_user(&boss, "north@lakeside.example", "viewer");
    must(made != NULL);
    const char *id = t(made->id);
    Nwims__V1__RoleAssignment assignment = in_region("operator", "0190B8A0-0000-7000-8000-0000000000AA");
    char *towns[] = { t(TOWN), t(TOWN) };
    assignment.municipality_ids = towns;
    assignment.n_municipality_ids = 2;
    Nwims__V1__User *set = set_roles(&boss, id, "viewer", &assignment, 1);
    must(set != NULL);
    assert_int_equal(set->n_assignments, 1);
    assert_string_equal(set->assignments[0]->region_ids[0], REGION);
    assert_int_equal(set->assignments[0]->n_municipality_ids, 1);
    struct access_claims claims = claims_of("north@lakeside.example");
    assert_string_equal(claims.roles, "viewer");
    assert_true(may(&claims, "sensors:read", scope));
    assert_string_equal(scope, "");
    assert_true(may(&claims, "sensors:write", scope));
    assert_string_equal(scope, "r:" REGION " m:" TOWN);
    assert_false(may(&claims, "users:read", scope));
    struct rpc_caller north = person("north@lakeside.example");
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    Nwims__V1__Me *me = call("GetMe", &north, &empty.base);
    must(me != NULL);
    assert_int_equal(me->n_grants, 1);
    assert_string_equal(me->grants[0]->region_ids[0], REGION);
    assert_string_equal(me->grants[0]->municipality_ids[0], TOWN);
}

static void a_role_of_the_whole_tenant_swallows_the_same_in_parts(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example");
    (void)state;
    Nwims__V1__User *made = create_user(&boss, "both@lakeside.example", "viewer");
    must(made != NULL);
    const char *id = t(made->id);
    Nwims__V1__RoleAssignment twice[] = { in_region("operator", REGION), ASSIGNMENT_INIT };
    twice[1].role = t("operator"); /* no place: everywhere */
    Nwims__V1__User *set = set_roles(&boss, id, NULL, twice, 2);
    must(set != NULL);
    assert_int_equal(set->n_assignments, 0);
    assert_int_equal(set->n_roles, 1);
    assert_string_equal(claims_of("both@lakeside.example").grants, "");
    assert_int_equal(number_of(superuser, "SELECT count(*) FROM identity.role_assignment a JOIN identity.app_user u ON "
                                          "u.id = a.user_id WHERE u.email = 'both@lakeside.example'"),
        0);
}

static void wrong_assignments_are_named(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example");
    Nwims__V1__RoleAssignment one = in_region("operator", "north"), many[MOST_SCOPED_GRANTS + 1];
    char *places[MOST_SCOPE_ITEMS + 1], role[16];
    (void)state;
    Nwims__V1__User *made = create_user(&boss, "wrong@lakeside.example", "viewer");
    must(made != NULL);
    const char *id = t(made->id);
    expect_refused(set_roles(&boss, id, NULL, &one, 1), ERR_INPUT, "assignments.region_ids");
    one = in_region("emperor", REGION);
    expect_refused(set_roles(&boss, id, NULL, &one, 1), ERR_INPUT, "assignments");
    one = in_region("device", REGION); /* for machines */
    expect_refused(set_roles(&boss, id, NULL, &one, 1), ERR_INPUT, "assignments");
    one = in_region("national_admin", REGION);
    expect_refused(set_roles(&boss, id, NULL, &one, 1), ERR_DENIED, NULL);
    expect_refused(set_roles(&boss, id, NULL, NULL, 0), ERR_INPUT, "roles");
    for (size_t i = 0; i < COUNT_OF(places); i++)
        places[i] = arena_printf(&arena, "0190b8a0-0000-7000-8000-0000000001%02zu", i);
    one = in_region("operator", REGION);
    one.region_ids = places;
    one.n_region_ids = COUNT_OF(places);
    expect_refused(set_roles(&boss, id, NULL, &one, 1), ERR_INPUT, "assignments.region_ids");
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        snprintf(role, sizeof role, "role%zu", i);
        many[i] = in_region(role, REGION);
    }
    expect_refused(set_roles(&boss, id, NULL, many, COUNT_OF(many)), ERR_INPUT, "assignments");
    assert_string_equal(claims_of("wrong@lakeside.example").roles, "viewer"); /* all or nothing */
}

static void a_place_that_the_tenant_does_not_have_is_named(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example");
    Nwims__V1__RoleAssignment one = in_region("operator", THEIR_REGION), *list[] = { &one };
    char *towns[] = { t(TOWN), t(THEIR_TOWN) };
    (void)state;
    Nwims__V1__User *made = create_user(&boss, "nowhere@lakeside.example", "viewer");
    must(made != NULL);
    const char *id = t(made->id);
    expect_refused(set_roles(&boss, id, NULL, &one, 1), ERR_INPUT, "assignments.region_ids");
    one = in_region("operator", REGION);
    one.municipality_ids = towns;
    one.n_municipality_ids = 2;
    expect_refused(set_roles(&boss, id, NULL, &one, 1), ERR_INPUT, "assignments.municipality_ids");
    Nwims__V1__CreateUserRequest request = NWIMS__V1__CREATE_USER_REQUEST__INIT;
    request.email = t("nobody@lakeside.example");
    request.password = t(USUAL_WORD);
    request.assignments = list;
    request.n_assignments = 1;
    expect_refused(call("CreateUser", &boss, &request.base), ERR_INPUT, "assignments.municipality_ids");
    char *permissions[] = { t("sensors:read") }, *regions[] = { t(THEIR_REGION) };
    Nwims__V1__ApiKey key = NWIMS__V1__API_KEY__INIT;
    key.name = t("export");
    key.permissions = permissions;
    key.n_permissions = 1;
    key.municipality_ids = towns;
    key.n_municipality_ids = 2;
    expect_refused(call("CreateApiKey", &boss, &key.base), ERR_INPUT, "municipality_ids");
    key.region_ids = regions;
    key.n_region_ids = 1;
    expect_refused(call("CreateApiKey", &boss, &key.base), ERR_INPUT, "region_ids");
    assert_string_equal(claims_of("nowhere@lakeside.example").roles, "viewer");
}

static void who_rules_in_a_part_only_administers_nobody(void **state)
{
    static const char *const methods[] = { "ListUsers", "CreateUser", "SetUserRoles", "DisableUser", "ResetPassword",
        "ListRoles", "CreateRole", "UpdateRole", "DeleteRole", "ListApiKeys", "CreateApiKey", "RotateApiKey",
        "ListTenants", "SuspendTenant", "RotateKeys" };
    struct rpc_caller regional = national(lakeside);
    (void)state;
    snprintf(regional.scope, sizeof regional.scope, "r:%s", REGION);
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        struct err why = { 0 };
        ProtobufCMessage *reply;
        const ProtobufCMethodDescriptor *method =
            protobuf_c_service_descriptor_get_method_by_name(&nwims__v1__identity__descriptor, methods[i]);
        assert_non_null(method);
        const ProtobufCMessage *nothing = wire_new(&arena, method->input);
        assert_false(rpc_call(bus, &nwims__v1__identity__descriptor, methods[i], &regional, nothing, CALL_MS, &arena,
            &reply, NULL, &why));
        if (why.kind != ERR_DENIED)
            fail_msg("%s in a region: %s", methods[i], why.text);
    }
}

static void the_last_administrator_stays(void **state)
{
    struct rpc_caller caller = national(hillside);
    (void)state;
    Nwims__V1__User *made = create_user(&caller, "only@hillside.example", "tenant_admin");
    must(made != NULL);
    Nwims__V1__ById id = by_id(made->id);
    Nwims__V1__RoleAssignment part = in_region("tenant_admin", THEIR_REGION);
    expect_refused(set_roles(&caller, id.id, "viewer", NULL, 0), ERR_CONFLICT, NULL);
    expect_refused(set_roles(&caller, id.id, NULL, &part, 1), ERR_CONFLICT, NULL); /* in a part is not in all */
    expect_refused(call("DisableUser", &caller, &id.base), ERR_CONFLICT, NULL);
    expect_refused(call("DeleteUser", &caller, &id.base), ERR_CONFLICT, NULL);
    must(create_user(&caller, "second@hillside.example", "tenant_admin") != NULL);
    must(call("DisableUser", &caller, &id.base) != NULL);
    must(call("EnableUser", &caller, &id.base) != NULL);
}

/* ---- roles of a tenant's own ------------------------------------------------------------------------------------- */
static Nwims__V1__Role *make_role(const struct rpc_caller *caller, const char *name, const char *permission)
{
    Nwims__V1__Role request = NWIMS__V1__ROLE__INIT;
    char *permissions[] = { t(permission) };
    request.name = t(name);
    request.permissions = permissions;
    request.n_permissions = 1;
    return call("CreateRole", caller, &request.base);
}

static void a_tenant_makes_roles_of_what_its_administrator_may(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example"), viewer = as("viewer", lakeside);
    char scope[GRANT_SCOPE_SIZE];
    (void)state;
    must(make_role(&boss, "night_shift", "alerts:write") != NULL);
    expect_refused(make_role(&boss, "night_shift", "alerts:read"), ERR_CONFLICT, NULL);
    expect_refused(make_role(&boss, "ministry", "tenants:write"), ERR_DENIED, NULL);
    expect_refused(make_role(&boss, "dreamer", "dreams:write"), ERR_INPUT, "permissions");
    expect_refused(make_role(&boss, "operator", "alerts:read"), ERR_INPUT, "name"); /* is built in */
    expect_refused(make_role(&boss, "Night Shift", "alerts:read"), ERR_INPUT, "name");
    expect_refused(make_role(&viewer, "mine", "sensors:read"), ERR_DENIED, NULL);
    Nwims__V1__User *made = create_user(&boss, "night@lakeside.example", "night_shift");
    must(made != NULL);
    struct access_claims claims = claims_of("night@lakeside.example");
    assert_string_equal(claims.permissions, "alerts:write");
    Nwims__V1__RoleAssignment part = in_region("night_shift", REGION);
    must(set_roles(&boss, made->id, "viewer", &part, 1) != NULL);
    claims = claims_of("night@lakeside.example");
    assert_true(may(&claims, "alerts:write", scope));
    assert_string_equal(scope, "r:" REGION);
}

static void a_changed_role_changes_who_has_it_and_ends_their_tokens(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example");
    Nwims__V1__UpdateRoleRequest update = NWIMS__V1__UPDATE_ROLE_REQUEST__INIT;
    Nwims__V1__ById id = by_id("night_shift");
    char *permissions[] = { t("alerts:read"), t("incidents:read") };
    (void)state;
    struct access_claims before = claims_of("night@lakeside.example");
    update.id = t("night_shift");
    update.permissions = permissions;
    update.n_permissions = 2;
    must(call("UpdateRole", &boss, &update.base) != NULL);
    struct access_claims after = claims_of("night@lakeside.example");
    assert_int_equal(after.subject_epoch, before.subject_epoch + 1);
    assert_true(
        strstr(after.grants, "incidents:read") != NULL || permission_granted(after.permissions, "incidents:read"));
    assert_null(strstr(after.grants, "alerts:write"));
    char query[200];
    snprintf(query, sizeof query,
        "SELECT count(*) FROM identity.revocation WHERE kind = 'user' AND subject = '%s' AND epoch = %d", after.subject,
        after.subject_epoch);
    assert_int_equal(number_of(superuser, query), 1);
    expect_refused(call("DeleteRole", &boss, &id.base), ERR_CONFLICT, NULL); /* somebody has it */
    id = by_id("operator");
    expect_refused(call("DeleteRole", &boss, &id.base), ERR_CONFLICT, NULL);
}

static void a_role_belongs_to_one_tenant(void **state)
{
    struct rpc_caller caller = national(hillside);
    Nwims__V1__ById id = by_id("night_shift");
    (void)state;
    expect_refused(call("GetRole", &caller, &id.base), ERR_NOT_FOUND, NULL);
    expect_refused(call("DeleteRole", &caller, &id.base), ERR_NOT_FOUND, NULL);
    expect_refused(create_user(&caller, "night@hillside.example", "night_shift"), ERR_INPUT, "roles");
    must(make_role(&caller, "night_shift", "reports:read") != NULL); /* another one of the same name */
    must(create_user(&caller, "night@hillside.example", "night_shift") != NULL);
    assert_string_equal(claims_of("night@hillside.example").permissions, "reports:read");
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    check_forgotten_tenant(12, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_in_a_part_of_the_tenant_is_in_the_token_with_its_places),
        cmocka_unit_test(a_role_of_the_whole_tenant_swallows_the_same_in_parts),
        cmocka_unit_test(wrong_assignments_are_named),
        cmocka_unit_test(a_place_that_the_tenant_does_not_have_is_named),
        cmocka_unit_test(who_rules_in_a_part_only_administers_nobody),
        cmocka_unit_test(the_last_administrator_stays),
        cmocka_unit_test(a_tenant_makes_roles_of_what_its_administrator_may),
        cmocka_unit_test(a_changed_role_changes_who_has_it_and_ends_their_tokens),
        cmocka_unit_test(a_role_belongs_to_one_tenant),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop_servers);
}
