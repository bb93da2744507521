/* identity as a process, on a real NATS and PostgreSQL with its two roles, driven by calls over the bus: what its tests
 * share. */
#pragma once
#include "auth/auth.h"
#include "base/clock.h"
#include "nwims/v1/identity.pb-c.h"
#include "nwims/v1/readings.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "rpc/rpc.h"
#include "store/store.h"
#include "tests/integration/forgotten_tenant.h"
#include "tests/support/test_process.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ADMIN "admin@nwims.local"
#define ADMIN_WORD "first-start-password"
#define USUAL_WORD "a long enough password" /* of whom create_user makes */
#define MASTER "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

enum { ARENA_BYTES = 4 * 1024 * 1024, CALL_MS = 10000 };

static struct test_nats nats;
static struct test_postgres postgres;
static struct bus *bus;
static struct store *superuser;
static pid_t service;
static struct arena arena; /* of the test that runs */
static struct err err;     /* of the last call */
static struct Nwims__V1__Failure *failure;

static inline void must(bool ok)
{
    if (!ok)
        fail_msg("%s", err.text);
}

/* ---- the stage --------------------------------------------------------------------------------------------------- */
static inline void set_url(const char *name, const char *user)
{
    char url[160];
    snprintf(url, sizeof url, "postgresql://%s@127.0.0.1:%d/postgres", user, postgres.port);
    setenv(name, url, 1);
}

static inline pid_t start_program(int admin_port)
{
    char path[512], address[64];
    const char *bin = getenv("NWIMS_BIN");
    const char *const argv[] = { path, NULL };
    snprintf(path, sizeof path, "%s/identity", bin ? bin : "build/debug/bin");
    snprintf(address, sizeof address, "127.0.0.1:%d", admin_port);
    setenv("ADMIN_ADDRESS", address, 1);
    return test_process_start(nats.folder, "identity", argv);
}

/* The service answers when it answers. */
static inline void wait_until_served(void)
{
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    ProtobufCMessage *reply;
    for (int i = 0; i < 200; i++) {
        arena_reset(&arena);
        if (rpc_call(
                bus, &nwims__v1__identity__descriptor, "GetJwks", NULL, &empty.base, 1000, &arena, &reply, NULL, &err))
            return;
        clock_sleep_ms(50);
    }
    fail_msg("identity does not answer: %s", err.text);
}

static inline void start_service(void)
{
    service = start_program(test_free_port());
    wait_until_served();
}

static inline int exit_code_of(pid_t pid)
{
    int status = 0;
    for (int i = 0; i < 200; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        clock_sleep_ms(50);
    }
    return -1000;
}

static inline void sql(const char *script)
{
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, superuser, &err));
    must(store_script(session, script, &err));
}

static inline int64_t number_of(struct store *store, const char *query)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    must(store_session_open(&session, store, &err));
    must(store_query(session, &result, query, NO_PARAMS, &err));
    return store_result_int(result, 0, 0);
}

static inline bool log_has(const char *text)
{
    char command[512];
    snprintf(command, sizeof command, "grep -q '%s' %s/identity.log", text, nats.folder);
    return system(command) == 0;
}

static inline int start_servers(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_BYTES);
    test_nats_start(&nats);
    test_postgres_start(&postgres);
    struct store_config config = { .url = postgres.url,
        .schema = "public",
        .name = "identity-test",
        .pool_size = 2,
        .wait_ms = 1000,
        .prepare = true };
    struct bus_config bus_config = { .url = nats.url, .user = "", .password = "", .name = "identity-test" };
    if (!store_open(&superuser, &config, &err) || !bus_open(&bus, &bus_config, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    sql("CREATE ROLE nwims_identity_owner LOGIN; CREATE ROLE nwims_identity LOGIN; GRANT CREATE ON DATABASE postgres "
        "TO nwims_identity_owner");
    forgotten_tenant_listen(superuser, "nwims_identity");
    setenv("NATS_URL", nats.url, 1);
    set_url("DATABASE_URL", "nwims_identity");
    set_url("DATABASE_OWNER_URL", "nwims_identity_owner");
    setenv("DRAIN_DELAY_MS", "0", 1);
    return 0;
}

/* With one administrator, for tests that are not about the first start. */
static inline int start_served(void **state)
{
    if (start_servers(state) != 0)
        return -1;
    setenv("MASTER_KEY", MASTER, 1);
    setenv("ADMIN_PASSWORD", ADMIN_WORD, 1);
    start_service();
    return 0;
}

/* The registry beside it, which knows the places that roles and keys may hold in. */
static inline void start_registry(void)
{
    char path[512], address[64];
    const char *bin = getenv("NWIMS_BIN");
    const char *const argv[] = { path, NULL };
    Nwims__V1__FindUnknownPlacesRequest nothing = NWIMS__V1__FIND_UNKNOWN_PLACES_REQUEST__INIT;
    const struct rpc_caller caller = { .tenant_id = 1 };
    ProtobufCMessage *reply;
    sql("CREATE ROLE nwims_registry_owner LOGIN; CREATE ROLE nwims_registry LOGIN; GRANT CREATE ON DATABASE postgres "
        "TO nwims_registry_owner");
    snprintf(path, sizeof path, "%s/registry", bin ? bin : "build/debug/bin");
    snprintf(address, sizeof address, "127.0.0.1:%d", test_free_port());
    setenv("ADMIN_ADDRESS", address, 1);
    set_url("DATABASE_URL", "nwims_registry");
    set_url("DATABASE_OWNER_URL", "nwims_registry_owner");
    test_process_start(nats.folder, "registry", argv);
    set_url("DATABASE_URL", "nwims_identity");
    set_url("DATABASE_OWNER_URL", "nwims_identity_owner");
    for (int i = 0; i < 200; i++) {
        arena_reset(&arena);
        if (rpc_call(bus, &nwims__v1__registry__descriptor, "FindUnknownPlaces", &caller, &nothing.base, 1000, &arena,
                &reply, NULL, &err))
            return;
        clock_sleep_ms(50);
    }
    fail_msg("the registry does not answer: %s", err.text);
}

static inline int stop_servers(void **state)
{
    (void)state;
    bus_close(bus);
    store_close(superuser);
    arena_done(&arena);
    return 0;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */
static inline struct rpc_caller national(int32_t tenant_id)
{
    return (struct rpc_caller){
        .tenant_id = tenant_id, .actor = "0190b8a0-0000-7000-8000-000000000001", .permissions = "*:*"
    };
}

static inline struct rpc_caller as(const char *role, int32_t tenant_id)
{
    struct rpc_caller caller = { .tenant_id = tenant_id };
    snprintf(caller.permissions, sizeof caller.permissions, "%s", role_permissions(role));
    return caller;
}

/* NULL and err, failure on failure. */
static inline void *call(const char *method, const struct rpc_caller *caller, const ProtobufCMessage *request)
{
    ProtobufCMessage *reply;
    err = (struct err){ 0 };
    if (!rpc_call(
            bus, &nwims__v1__identity__descriptor, method, caller, request, CALL_MS, &arena, &reply, &failure, &err))
        return NULL;
    return reply;
}

static inline Nwims__V1__TokenReply *login_from(const char *email, const char *password, const char *peer)
{
    struct rpc_caller caller = { 0 };
    Nwims__V1__LoginRequest request = NWIMS__V1__LOGIN_REQUEST__INIT;
    request.email = (char *)(uintptr_t)email;
    request.password = (char *)(uintptr_t)password;
    snprintf(caller.peer, sizeof caller.peer, "%s", peer);
    return call("Login", &caller, &request.base);
}

static inline Nwims__V1__TokenReply *login(const char *email, const char *password)
{
    return login_from(email, password, "192.0.2.1");
}

static inline Nwims__V1__TokenReply *refresh(const char *token)
{
    Nwims__V1__RefreshRequest request = NWIMS__V1__REFRESH_REQUEST__INIT;
    request.refresh_token = (char *)(uintptr_t)token;
    return call("Refresh", NULL, &request.base);
}

static inline bool verify(const char *token, struct access_claims *out_claims)
{
    Nwims__V1__Empty empty = NWIMS__V1__EMPTY__INIT;
    char key_id[CLAIM_TEXT_SIZE];
    Nwims__V1__Jwks *jwks = call("GetJwks", NULL, &empty.base);
    must(jwks != NULL);
    must(access_token_key_id(token, key_id, &err));
    for (size_t i = 0; i < jwks->n_keys; i++) {
        AUTO(signing_key) key = NULL;
        if (strcmp(jwks->keys[i]->kid, key_id) != 0)
            continue;
        must(signing_key_from_public(&key, jwks->keys[i]->x, jwks->keys[i]->y, &err));
        return access_token_verify(token, key, clock_now_us(), out_claims, &err);
    }
    return err_set(&err, ERR_NOT_FOUND, "no key %s", key_id);
}

static inline Nwims__V1__Tenant *create_tenant(const char *code, const char *time_zone)
{
    struct rpc_caller caller = national(1);
    Nwims__V1__Tenant request = NWIMS__V1__TENANT__INIT;
    request.name = (char *)(uintptr_t) "Waterworks";
    request.code = (char *)(uintptr_t)code;
    request.time_zone = (char *)(uintptr_t)time_zone;
    return call("CreateTenant", &caller, &request.base);
}

static inline Nwims__V1__User *create_user(const struct rpc_caller *caller, const char *email, const char *role)
{
    Nwims__V1__CreateUserRequest request = NWIMS__V1__CREATE_USER_REQUEST__INIT;
    char *roles[] = { (char *)(uintptr_t)role, (char *)(uintptr_t)role };
    request.email = (char *)(uintptr_t)email;
    request.password = (char *)(uintptr_t)USUAL_WORD;
    request.roles = roles;
    request.n_roles = 2;
    return call("CreateUser", caller, &request.base);
}

/* Who a token speaks for, as the gateway would call for them. */
static inline struct rpc_caller caller_of_token(const char *token, struct access_claims *out_claims)
{
    struct rpc_caller caller = { 0 };
    must(verify(token, out_claims));
    caller.tenant_id = out_claims->tenant_id;
    snprintf(caller.actor, sizeof caller.actor, "%s", out_claims->subject);
    snprintf(caller.permissions, sizeof caller.permissions, "%s", out_claims->permissions);
    return caller;
}

static inline struct rpc_caller person(const char *email)
{
    struct access_claims claims;
    Nwims__V1__TokenReply *tokens = login(email, USUAL_WORD);
    must(tokens != NULL);
    return caller_of_token(tokens->access_token, &claims);
}

/* A copy in the arena, for requests. */
static inline char *t(const char *text)
{
    return arena_text(&arena, text);
}

static inline Nwims__V1__ById by_id(const char *id)
{
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    request.id = arena_text(&arena, id);
    return request;
}

static inline void expect_refused(const void *reply, enum err_kind kind, const char *field)
{
    if (reply || err.kind != kind)
        fail_msg("%s instead of %s: %s", reply ? "an answer" : err_kind_name(err.kind), err_kind_name(kind), err.text);
    if (field && (!failure || failure->n_violations < 1 || strcmp(failure->violations[0]->field, field) != 0))
        fail_msg("%s is not named: %s", field, err.text);
}

/* The last test of a program but those that stop the database: see forgotten_tenant.h. */
static inline void check_forgotten_tenant(size_t least_statements, size_t least_mattered)
{
    AUTO(store) store = NULL;
    const struct store_config config = { .url = postgres.url,
        .schema = "identity",
        .name = "identity-test",
        .pool_size = 1,
        .wait_ms = 1000,
        .prepare = false };
    must(store_open(&store, &config, &err));
    forgotten_tenant_check(store, postgres.folder, "nwims_identity", least_statements, least_mattered);
}
