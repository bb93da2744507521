/* What ends before its time: API keys with their rotation, suspended tenants, and the epochs by which tokens die. */
#include "tests/integration/identity_stack.h"

enum { HOUR_S = 3600 };
#define SECOND_US INT64_C(1000000)

static int32_t lakeside, hillside;

static int start(void **state)
{
    if (start_served(state) != 0)
        return -1;
    lakeside = create_tenant("lakeside", NULL)->id;
    hillside = create_tenant("hillside", NULL)->id;
    struct rpc_caller caller = national(lakeside), other = national(hillside);
    must(create_user(&caller, "boss@lakeside.example", "tenant_admin") != NULL);
    must(create_user(&caller, "deputy@lakeside.example", "tenant_admin") != NULL);
    must(create_user(&other, "boss@hillside.example", "tenant_admin") != NULL);
    return 0;
}

/* ---- API keys ---------------------------------------------------------------------------------------------------- */
static Nwims__V1__ApiKey *make_key(const struct rpc_caller *caller, const char *permission)
{
    Nwims__V1__ApiKey request = NWIMS__V1__API_KEY__INIT;
    char *permissions[] = { t(permission) };
    request.name = t("SCADA export");
    request.permissions = permissions;
    request.n_permissions = 1;
    return call("CreateApiKey", caller, &request.base);
}

/* What a gateway would ask when somebody sends the key. */
static Nwims__V1__ResolvedApiKey *resolve(const char *key)
{
    Nwims__V1__ResolveApiKeyRequest request = NWIMS__V1__RESOLVE_API_KEY_REQUEST__INIT;
    unsigned char hash[SHA256_SIZE];
    auth_sha256(hash, key, strlen(key));
    request.has_hash = true;
    request.hash = (ProtobufCBinaryData){ .len = sizeof hash, .data = hash };
    return call("ResolveApiKey", NULL, &request.base);
}

static Nwims__V1__ApiKey *rotate(const struct rpc_caller *caller, const char *id, int32_t grace_s)
{
    Nwims__V1__RotateApiKeyRequest request = NWIMS__V1__ROTATE_API_KEY_REQUEST__INIT;
    request.id = t(id);
    request.has_grace_seconds = true;
    request.grace_seconds = grace_s;
    return call("RotateApiKey", caller, &request.base);
}

static void a_key_is_shown_once_and_kept_as_a_hash(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example");
    Nwims__V1__ListApiKeysRequest list = NWIMS__V1__LIST_API_KEYS_REQUEST__INIT;
    char query[200];
    (void)state;
    Nwims__V1__ApiKey *made = make_key(&boss, "sensors:read");
    must(made != NULL);
    assert_true(strncmp(made->key, "nwk_", 4) == 0);
    assert_true(strncmp(made->key, made->prefix, strlen(made->prefix)) == 0);
    assert_string_equal(made->created_by, boss.actor);
    Nwims__V1__ResolvedApiKey *resolved = resolve(made->key);
    must(resolved != NULL);
    assert_int_equal(resolved->tenant_id, lakeside);
    assert_string_equal(resolved->permissions, "sensors:read");
    assert_string_equal(resolved->id, made->id);
    Nwims__V1__ListApiKeysReply *keys = call("ListApiKeys", &boss, &list.base);
    must(keys != NULL);
    assert_int_equal(keys->n_items, 1);
    assert_null(keys->items[0]->key);
    assert_true(keys->items[0]->has_last_used_at);
    snprintf(query, sizeof query, "SELECT count(*) FROM identity.api_key k WHERE k::text LIKE '%%%s%%'",
        made->key + strlen(made->prefix));
    assert_int_equal(number_of(superuser, query), 0);
    assert_false(log_has(made->key));
    expect_refused(resolve("nwk_0123456789012345678901234567890123456789012"), ERR_UNAUTHENTICATED, NULL);
}

static void a_key_is_for_what_its_maker_may(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example"), key = boss, viewer = as("viewer", lakeside);
    Nwims__V1__ApiKey request = NWIMS__V1__API_KEY__INIT;
    (void)state;
    expect_refused(make_key(&boss, "tenants:read"), ERR_DENIED, NULL);
    expect_refused(make_key(&boss, "sensors:dream"), ERR_INPUT, "permissions");
    expect_refused(make_key(&viewer, "sensors:read"), ERR_DENIED, NULL);
    snprintf(key.actor, sizeof key.actor, "key:0190b8a0-0000-7000-8000-000000000001");
    expect_refused(make_key(&key, "sensors:read"), ERR_DENIED, NULL); /* keys make no keys */
    request.name = t("for ever");
    char *permissions[] = { t("sensors:read") };
    request.permissions = permissions;
    request.n_permissions = 1;
    request.has_expires_at = true;
    request.expires_at = clock_now_us() + 3 * 365 * 24 * HOUR_S * SECOND_US;
    expect_refused(call("CreateApiKey", &boss, &request.base), ERR_INPUT, "expires_at");
    request.expires_at = clock_now_us() - SECOND_US;
    expect_refused(call("CreateApiKey", &boss, &request.base), ERR_INPUT, "expires_at");
}

static void a_key_does_less_as_soon_as_its_maker_may_less(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example"), deputy = person("deputy@lakeside.example");
    Nwims__V1__SetUserRolesRequest roles = NWIMS__V1__SET_USER_ROLES_REQUEST__INIT;
    Nwims__V1__ById id = by_id(deputy.actor);
    char *viewer[] = { t("viewer") }, *admin[] = { t("tenant_admin") };
    (void)state;
    Nwims__V1__ApiKey *made = make_key(&deputy, "sensors:*");
    must(made != NULL);
    const char *key = t(made->key);
    roles.id = id.id;
    roles.roles = viewer;
    roles.n_roles = 1;
    must(call("SetUserRoles", &boss, &roles.base) != NULL);
    Nwims__V1__ResolvedApiKey *resolved = resolve(key);
    must(resolved != NULL);
    assert_true(permission_granted(resolved->permissions, "sensors:read"));
    assert_false(permission_granted(resolved->permissions, "sensors:write"));
    must(call("DisableUser", &boss, &id.base) != NULL);
    expect_refused(resolve(key), ERR_UNAUTHENTICATED, NULL);
    must(call("EnableUser", &boss, &id.base) != NULL);
    roles.roles = admin;
    must(call("SetUserRoles", &boss, &roles.base) != NULL);
    resolved = resolve(key);
    must(resolved != NULL);
    assert_true(permission_granted(resolved->permissions, "sensors:write"));
}

static void a_rotated_key_is_good_beside_its_successor_for_a_while(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example"), deputy = person("deputy@lakeside.example");
    (void)state;
    Nwims__V1__ApiKey *first = make_key(&boss, "sensors:read");
    must(first != NULL);
    const char *id = t(first->id), *old = t(first->key);
    Nwims__V1__ApiKey *second = rotate(&deputy, id, HOUR_S);
    must(second != NULL);
    const char *new = t(second->key);
    assert_string_not_equal(old, new);
    assert_string_equal(second->created_by, deputy.actor); /* who answers for it from now on */
    Nwims__V1__ResolvedApiKey *resolved = resolve(old);
    must(resolved != NULL);
    assert_string_equal(resolved->id, id);
    assert_true(resolved->expires_at <= clock_now_us() + HOUR_S * SECOND_US); /* the gateway forgets it then */
    must(resolve(new) != NULL);
    sql("UPDATE identity.api_key SET previous_expires_at = now() - interval '1 second'");
    expect_refused(resolve(old), ERR_UNAUTHENTICATED, NULL);
    must(resolve(new) != NULL);
    Nwims__V1__ApiKey *third = rotate(&deputy, id, 0);
    must(third != NULL);
    expect_refused(resolve(new), ERR_UNAUTHENTICATED, NULL); /* no grace: at once */
    must(resolve(third->key) != NULL);
    char query[160];
    snprintf(query, sizeof query, "SELECT count(*) FROM identity.revocation WHERE kind = 'key' AND subject = '%s'", id);
    assert_int_equal(number_of(superuser, query), 2); /* gateways forget what they knew */
    struct rpc_caller neighbour = person("boss@hillside.example");
    expect_refused(rotate(&neighbour, id, 0), ERR_NOT_FOUND, NULL);
}

static void keys_end(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example"), neighbour = person("boss@hillside.example");
    char query[160];
    (void)state;
    Nwims__V1__ApiKey *made = make_key(&boss, "sensors:read");
    must(made != NULL);
    const char *key = t(made->key);
    Nwims__V1__ById id = by_id(made->id);
    expect_refused(call("DeleteApiKey", &neighbour, &id.base), ERR_NOT_FOUND, NULL);
    must(resolve(key) != NULL);
    snprintf(query, sizeof query, "UPDATE identity.api_key SET expires_at = now() WHERE id = '%s'", id.id);
    sql(query);
    expect_refused(resolve(key), ERR_UNAUTHENTICATED, NULL);
    must(call("DeleteApiKey", &boss, &id.base) != NULL);
    expect_refused(call("DeleteApiKey", &boss, &id.base), ERR_NOT_FOUND, NULL);
    expect_refused(resolve(key), ERR_UNAUTHENTICATED, NULL);
}

/* ---- suspension -------------------------------------------------------------------------------------------------- */
static Nwims__V1__ListRevocationsReply *revocations_after(int64_t id)
{
    Nwims__V1__ListRevocationsRequest request = NWIMS__V1__LIST_REVOCATIONS_REQUEST__INIT;
    request.has_after_id = true;
    request.after_id = id;
    Nwims__V1__ListRevocationsReply *reply = call("ListRevocations", NULL, &request.base);
    must(reply != NULL);
    return reply;
}

static int64_t last_revocation(void)
{
    return number_of(superuser, "SELECT coalesce(max(id), 0) FROM identity.revocation");
}

static void a_suspended_tenant_is_shut_and_its_old_tokens_stay_dead(void **state)
{
    struct rpc_caller nation = national(1), boss = person("boss@hillside.example");
    struct access_claims before, after;
    Nwims__V1__TenantId id = NWIMS__V1__TENANT_ID__INIT;
    int64_t last = last_revocation();
    (void)state;
    Nwims__V1__TokenReply *tokens = login("boss@hillside.example", USUAL_WORD);
    must(tokens != NULL);
    Nwims__V1__ApiKey *made = make_key(&boss, "sensors:read");
    must(made != NULL && verify(tokens->access_token, &before));
    id.has_id = true;
    id.id = hillside;
    Nwims__V1__Tenant *suspended = call("SuspendTenant", &nation, &id.base);
    must(suspended != NULL);
    assert_string_equal(suspended->state, "suspended");
    expect_refused(resolve(made->key), ERR_UNAUTHENTICATED, NULL);
    expect_refused(refresh(tokens->refresh_token), ERR_UNAUTHENTICATED, NULL);
    expect_refused(login("boss@hillside.example", USUAL_WORD), ERR_UNAUTHENTICATED, NULL);
    Nwims__V1__ListRevocationsReply *dead = revocations_after(last);
    const Nwims__V1__Revocation *tenant = NULL;
    for (size_t i = 0; i < dead->n_items; i++)
        if (strcmp(dead->items[i]->kind, "tenant") == 0)
            tenant = dead->items[i];
    assert_non_null(tenant);
    assert_int_equal(atoi(tenant->subject), hillside);
    assert_true(before.tenant_epoch < tenant->epoch);
    assert_true(tenant->ends_at > before.expires_at - SECOND_US);
    must(call("ResumeTenant", &nation, &id.base) != NULL);
    tokens = login("boss@hillside.example", USUAL_WORD);
    must(tokens != NULL && verify(tokens->access_token, &after));
    assert_true(after.tenant_epoch >= tenant->epoch); /* good; those of before are not */
    Nwims__V1__ResolvedApiKey *resolved = resolve(made->key);
    must(resolved != NULL);
    assert_int_equal(resolved->tenant_epoch, after.tenant_epoch);
    id.id = 1;
    expect_refused(call("SuspendTenant", &nation, &id.base), ERR_CONFLICT, NULL);
    id.id = hillside;
    expect_refused(call("SuspendTenant", &boss, &id.base), ERR_DENIED, NULL);
}

/* ---- epochs ------------------------------------------------------------------------------------------------------ */
static int32_t epoch_of(const char *email)
{
    struct access_claims claims;
    sql("DELETE FROM identity.login_failure");
    Nwims__V1__TokenReply *tokens = login(email, USUAL_WORD);
    must(tokens != NULL && verify(tokens->access_token, &claims));
    return claims.subject_epoch;
}

static void what_takes_rights_away_raises_the_epoch(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example");
    Nwims__V1__SetUserRolesRequest roles = NWIMS__V1__SET_USER_ROLES_REQUEST__INIT;
    Nwims__V1__ChangePasswordRequest password = NWIMS__V1__CHANGE_PASSWORD_REQUEST__INIT;
    Nwims__V1__LogoutRequest logout = NWIMS__V1__LOGOUT_REQUEST__INIT;
    struct access_claims claims;
    char *viewer[] = { t("viewer") };
    (void)state;
    Nwims__V1__User *made = create_user(&boss, "clerk@lakeside.example", "operator");
    must(made != NULL);
    Nwims__V1__ById id = by_id(made->id);
    assert_int_equal(epoch_of("clerk@lakeside.example"), 0);
    roles.id = id.id;
    roles.roles = viewer;
    roles.n_roles = 1;
    must(call("SetUserRoles", &boss, &roles.base) != NULL);
    assert_int_equal(epoch_of("clerk@lakeside.example"), 1);
    must(call("DisableUser", &boss, &id.base) != NULL);
    must(call("EnableUser", &boss, &id.base) != NULL);
    assert_int_equal(epoch_of("clerk@lakeside.example"), 2);
    struct rpc_caller clerk = person("clerk@lakeside.example");
    password.current_password = password.new_password = t(USUAL_WORD);
    Nwims__V1__TokenReply *tokens = call("ChangePassword", &clerk, &password.base);
    must(tokens != NULL && verify(tokens->access_token, &claims));
    assert_int_equal(claims.subject_epoch, 3); /* the session that goes on is of the new epoch */
    logout.refresh_token = t(tokens->refresh_token);
    logout.has_all = logout.all = true;
    must(call("Logout", NULL, &logout.base) != NULL);
    assert_int_equal(epoch_of("clerk@lakeside.example"), 4);
}

static void a_logout_names_the_session_alone(void **state)
{
    Nwims__V1__LogoutRequest logout = NWIMS__V1__LOGOUT_REQUEST__INIT;
    struct access_claims claims;
    (void)state;
    Nwims__V1__TokenReply *tokens = login("clerk@lakeside.example", USUAL_WORD);
    must(tokens != NULL && verify(tokens->access_token, &claims));
    int64_t last = last_revocation();
    logout.refresh_token = tokens->refresh_token;
    must(call("Logout", NULL, &logout.base) != NULL);
    Nwims__V1__ListRevocationsReply *dead = revocations_after(last);
    assert_int_equal(dead->n_items, 1);
    assert_string_equal(dead->items[0]->kind, "session");
    assert_string_equal(dead->items[0]->subject, claims.session_id);
    assert_int_equal(epoch_of("clerk@lakeside.example"), claims.subject_epoch);
}

enum { WRITERS = 4, LOGOUTS = 15 };

static void *end_sessions(void *argument)
{
    struct arena own;
    (void)argument;
    arena_init(&own, ARENA_BYTES);
    for (int i = 0; i < LOGOUTS; i++) {
        struct err why = { 0 };
        ProtobufCMessage *reply;
        struct rpc_caller caller = national(lakeside);
        Nwims__V1__CreateUserRequest create = NWIMS__V1__CREATE_USER_REQUEST__INIT;
        Nwims__V1__ById id = NWIMS__V1__BY_ID__INIT;
        arena_reset(&own);
        create.email = arena_printf(&own, "%d-%lu@lakeside.example", i, (unsigned long)pthread_self());
        create.password = arena_text(&own, USUAL_WORD);
        char *roles[] = { arena_text(&own, "viewer") };
        create.roles = roles;
        create.n_roles = 1;
        if (!rpc_call(bus, &nwims__v1__identity__descriptor, "CreateUser", &caller, &create.base, CALL_MS, &own, &reply,
                NULL, &why))
            continue; /* shed: hashing is dear */
        id.id = ((Nwims__V1__User *)reply)->id;
        if (!rpc_call(bus, &nwims__v1__identity__descriptor, "DisableUser", &caller, &id.base, CALL_MS, &own, &reply,
                NULL, &why))
            fprintf(stderr, "disabling: %s\n", why.text);
    }
    arena_done(&own);
    return NULL;
}

/* A gateway asks for those after the last one it saw: none may become visible behind its back. */
static void whoever_asks_for_what_is_new_misses_nothing_however_many_write(void **state)
{
    pthread_t threads[WRITERS];
    int64_t begin = last_revocation(), last = begin, seen = 0;
    size_t joined = 0;
    char query[120];
    (void)state;
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, end_sessions, NULL), 0);
    snprintf(query, sizeof query, "SELECT count(*) FROM identity.revocation WHERE id > %ld", (long)begin);
    for (int rounds = 0, idle = 0; rounds < 100000 && idle < 3; rounds++) {
        arena_reset(&arena);
        Nwims__V1__ListRevocationsReply *new = revocations_after(last);
        for (size_t i = 0; i < new->n_items; i++) {
            assert_true(new->items[i]->id > last);
            last = new->items[i]->id;
        }
        seen += (int64_t) new->n_items;
        while (joined < WRITERS && pthread_tryjoin_np(threads[joined], NULL) == 0)
            joined++;
        idle = joined == WRITERS && new->n_items == 0 ? idle + 1 : 0;
    }
    assert_int_equal(joined, WRITERS);
    assert_true(seen > 0);
    assert_int_equal(seen, number_of(superuser, query));
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    check_forgotten_tenant(12, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_shown_once_and_kept_as_a_hash),
        cmocka_unit_test(a_key_is_for_what_its_maker_may),
        cmocka_unit_test(a_key_does_less_as_soon_as_its_maker_may_less),
        cmocka_unit_test(a_rotated_key_is_good_beside_its_successor_for_a_while),
        cmocka_unit_test(keys_end),
        cmocka_unit_test(a_suspended_tenant_is_shut_and_its_old_tokens_stay_dead),
        cmocka_unit_test(what_takes_rights_away_raises_the_epoch),
        cmocka_unit_test(a_logout_names_the_session_alone),
        cmocka_unit_test(whoever_asks_for_what_is_new_misses_nothing_however_many_write),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop_servers);
}
