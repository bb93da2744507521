/* The registry as a process, on a real NATS and PostgreSQL, driven by calls over the bus: what its tests share. */
#pragma once
#include "auth/auth.h"
#include "base/clock.h"
#include "nwims/v1/audit.pb-c.h"
#include "nwims/v1/common.pb-c.h"
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct test_postgres postgres;
static struct test_nats nats;
static pid_t service;
static struct bus *bus;
static struct bus_subscription *subscription, *audit_subscription;
static struct arena arena;
static Nwims__V1__Failure *failure; /* of the call before */

/* ---- events that came ---- */
enum { MOST_EVENTS = 1000 };
static struct event {
    char subject[64], id[40], change[16], code[65];
    unsigned char verifier[SHA256_SIZE];
    bool has_verifier, has_moved;
} events[MOST_EVENTS];
static size_t event_count;
static pthread_mutex_t events_lock = PTHREAD_MUTEX_INITIALIZER;

static inline void on_event_take(void *context, struct bus_message *taken)
{
    (void)context;
    AUTO(bus_message) message = taken;
    AUTO_INPLACE(arena) scratch;
    struct err err = { 0 };
    ProtobufCMessage *decoded;
    arena_init(&scratch, 65536);
    if (!wire_decode(&decoded, &scratch, &nwims__v1__entity_changed__descriptor, bus_message_data(message),
            bus_message_size(message), &err))
        return;
    const Nwims__V1__EntityChanged *changed = (const Nwims__V1__EntityChanged *)decoded;
    pthread_mutex_lock(&events_lock);
    if (event_count < MOST_EVENTS) {
        struct event *event = &events[event_count++];
        snprintf(event->subject, sizeof event->subject, "%s", bus_message_subject(message));
        snprintf(event->id, sizeof event->id, "%s", changed->id ? changed->id : "");
        snprintf(event->change, sizeof event->change, "%s", changed->change ? changed->change : "");
        snprintf(event->code, sizeof event->code, "%s", changed->code ? changed->code : "");
        event->has_verifier = changed->has_verifier && changed->verifier.len == SHA256_SIZE;
        event->has_moved = changed->has_moved;
        if (event->has_verifier)
            memcpy(event->verifier, changed->verifier.data, SHA256_SIZE);
    }
    pthread_mutex_unlock(&events_lock);
}

static inline bool has_event(const struct event *wanted)
{
    bool found = false;
    pthread_mutex_lock(&events_lock);
    for (size_t i = 0; i < event_count && !found; i++)
        found = strcmp(events[i].subject, wanted->subject) == 0 && strcmp(events[i].id, wanted->id) == 0 &&
                strcmp(events[i].change, wanted->change) == 0 && strcmp(events[i].code, wanted->code) == 0 &&
                (!wanted->has_verifier ||
                    (events[i].has_verifier && memcmp(events[i].verifier, wanted->verifier, SHA256_SIZE) == 0));
    pthread_mutex_unlock(&events_lock);
    return found;
}

static inline void expect_event(
    const char *subject, const char *id, const char *change, const char *code, const char *secret)
{
    struct event wanted = { .has_verifier = secret != NULL };
    snprintf(wanted.subject, sizeof wanted.subject, "%s", subject);
    snprintf(wanted.id, sizeof wanted.id, "%s", id);
    snprintf(wanted.change, sizeof wanted.change, "%s", change);
    snprintf(wanted.code, sizeof wanted.code, "%s", code);
    if (secret)
        auth_sha256(wanted.verifier, secret, strlen(secret));
    for (int i = 0; i < 250; i++) {
        if (has_event(&wanted))
            return;
        clock_sleep_ms(20);
    }
    fail_msg("no event %s %s %s %s", subject, id, change, code);
}

static inline void expect_moved(const char *subject, const char *id)
{
    for (int i = 0; i < 250; i++) {
        bool found = false;
        pthread_mutex_lock(&events_lock);
        for (size_t k = 0; k < event_count && !found; k++)
            found = events[k].has_moved && strcmp(events[k].subject, subject) == 0 && strcmp(events[k].id, id) == 0;
        pthread_mutex_unlock(&events_lock);
        if (found)
            return;
        clock_sleep_ms(20);
    }
    fail_msg("no event %s says that %s has moved", subject, id);
}

/* ---- audit records that came ---- */
static struct audit {
    char subject[64], action[64], entity_id[64], actor[64], detail[256];
} audits[MOST_EVENTS];
static size_t audit_count;

static inline void on_audit_take(void *context, struct bus_message *taken)
{
    (void)context;
    AUTO(bus_message) message = taken;
    AUTO_INPLACE(arena) scratch;
    struct err err = { 0 };
    ProtobufCMessage *decoded;
    arena_init(&scratch, 65536);
    if (!wire_decode(&decoded, &scratch, &nwims__v1__audit_record__descriptor, bus_message_data(message),
            bus_message_size(message), &err))
        return;
    const Nwims__V1__AuditRecord *record = (const Nwims__V1__AuditRecord *)decoded;
    pthread_mutex_lock(&events_lock);
    if (audit_count < MOST_EVENTS) {
        struct audit *audit = &audits[audit_count++];
        snprintf(audit->subject, sizeof audit->subject, "%s", bus_message_subject(message));
        snprintf(audit->action, sizeof audit->action, "%s", record->action ? record->action : "");
        snprintf(audit->entity_id, sizeof audit->entity_id, "%s", record->entity_id ? record->entity_id : "");
        snprintf(audit->actor, sizeof audit->actor, "%s", record->actor ? record->actor : "");
        snprintf(audit->detail, sizeof audit->detail, "%s", record->detail ? record->detail : "");
    }
    pthread_mutex_unlock(&events_lock);
}

static inline size_t count_audits(const char *entity_id)
{
    size_t count = 0;
    pthread_mutex_lock(&events_lock);
    for (size_t i = 0; i < audit_count; i++)
        count += strcmp(audits[i].entity_id, entity_id) == 0;
    pthread_mutex_unlock(&events_lock);
    return count;
}

/* detail: the whole of it. */
static inline void expect_audit(int32_t tenant_id, const char *action, const char *entity_id, const char *detail)
{
    char subject[64];
    snprintf(subject, sizeof subject, "audit.%d.%.*s", (int)tenant_id, (int)strcspn(action, "."), action);
    for (int i = 0; i < 250; i++) {
        bool found = false;
        pthread_mutex_lock(&events_lock);
        for (size_t k = 0; k < audit_count && !found; k++)
            found = strcmp(audits[k].subject, subject) == 0 && strcmp(audits[k].action, action) == 0 &&
                    strcmp(audits[k].entity_id, entity_id) == 0 && strcmp(audits[k].detail, detail) == 0 &&
                    strcmp(audits[k].actor, "tester") == 0;
        pthread_mutex_unlock(&events_lock);
        if (found)
            return;
        clock_sleep_ms(20);
    }
    fail_msg("no audit record %s of %s with %s", action, entity_id, detail);
}

/* ---- starting everything ---- */
static inline void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static inline struct store *open_as(const char *role, const char *schema)
{
    char url[128];
    struct err err = { 0 };
    struct store *store = NULL;
    snprintf(url, sizeof url, "postgresql://%s@127.0.0.1:%d/postgres", role, postgres.port);
    struct store_config config = { .url = url,
        .schema = schema,
        .name = "registry-test",
        .pool_size = 2,
        .wait_ms = 1000,
        .statement_ms = 5000,
        .prepare = true };
    must(store_open(&store, &config, &err), &err);
    return store;
}

static inline void run(const char *role, const char *sql)
{
    struct err err = { 0 };
    AUTO(store) store = open_as(role, "public");
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, store, &err) && store_script(session, sql, &err), &err);
}

static inline int64_t count_as(const char *role, int32_t tenant_id, const char *sql)
{
    struct err err = { 0 };
    AUTO(store) store = open_as(role, "registry");
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    must(store_session_open(&session, store, &err) && store_begin(session, tenant_id, &err) &&
             store_query(session, &result, sql, NO_PARAMS, &err),
        &err);
    return store_result_int(result, 0, 0);
}

static inline void start_service(void)
{
    char program[512], admin[64], url[128], owner_url[128];
    const char *folder = getenv("NWIMS_BIN");
    snprintf(program, sizeof program, "%s/registry", folder ? folder : "build/debug/bin");
    snprintf(admin, sizeof admin, "127.0.0.1:%d", test_free_port());
    snprintf(url, sizeof url, "postgresql://nwims_registry@127.0.0.1:%d/postgres", postgres.port);
    snprintf(owner_url, sizeof owner_url, "postgresql://nwims_registry_owner@127.0.0.1:%d/postgres", postgres.port);
    setenv("NATS_URL", nats.url, 1);
    setenv("DATABASE_URL", url, 1);
    setenv("DATABASE_OWNER_URL", owner_url, 1);
    setenv("ADMIN_ADDRESS", admin, 1);
    setenv("DRAIN_DELAY_MS", "0", 1);
    setenv("MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 1);
    const char *argv[] = { program, NULL };
    service = test_process_start(nats.folder, "registry", argv);
}

static inline struct rpc_caller caller_of(int32_t tenant_id, const char *permissions)
{
    struct rpc_caller caller = { .tenant_id = tenant_id, .actor = "tester", .request_id = "r-1" };
    snprintf(caller.permissions, sizeof caller.permissions, "%s", permissions);
    trace_begin(&caller.trace, NULL);
    return caller;
}

/* The list requests have common numbers for what they have in common: a test may fill any and use it for all. */
static inline const ProtobufCMessage *as_input_of(const char *method, const ProtobufCMessage *request)
{
    const ProtobufCMethodDescriptor *described =
        protobuf_c_service_descriptor_get_method_by_name(&nwims__v1__registry__descriptor, method);
    AUTO_INPLACE(buffer) bytes = { 0 };
    struct err err = { 0 };
    ProtobufCMessage *same;
    if (!described || described->input == request->descriptor)
        return request;
    must(wire_encode(&bytes, request, &err) &&
             wire_decode(&same, &arena, described->input, bytes.data ? bytes.data : "", bytes.size, &err),
        &err);
    return same;
}

/* ERR_NONE and the reply, or the kind of failure; failure and err_text have the rest. */
static char err_text[200];
static inline enum err_kind call_as(
    const struct rpc_caller *caller, const char *method, const void *request, ProtobufCMessage **out_reply)
{
    struct err err = { 0 };
    ProtobufCMessage *reply = NULL;
    failure = NULL;
    bool ok = rpc_call(bus, &nwims__v1__registry__descriptor, method, caller, as_input_of(method, request), 3000,
        &arena, &reply, &failure, &err);
    snprintf(err_text, sizeof err_text, "%s", err.text);
    if (out_reply)
        *out_reply = reply;
    return ok ? ERR_NONE : err.kind;
}

static inline enum err_kind try(int32_t tenant_id, const char *method, const void *request)
{
    struct rpc_caller caller = caller_of(tenant_id, "*:*");
    return call_as(&caller, method, request, NULL);
}

static inline void *call(int32_t tenant_id, const char *method, const void *request)
{
    struct rpc_caller caller = caller_of(tenant_id, "*:*");
    ProtobufCMessage *reply = NULL;
    if (call_as(&caller, method, request, &reply) != ERR_NONE)
        fail_msg("%s: %s", method, err_text);
    return reply;
}

static inline void expect_violation(int32_t tenant_id, const char *method, const void *request, const char *field)
{
    enum err_kind kind = try(tenant_id, method, request);
    if (kind != ERR_INPUT || !failure || failure->n_violations == 0)
        fail_msg("%s: not refused for %s: %s", method, field, err_text);
    for (size_t i = 0; i < failure->n_violations; i++)
        if (strcmp(failure->violations[i]->field, field) == 0)
            return;
    fail_msg("%s: refused, but not for %s: %s", method, field, err_text);
}

static inline void await_service(void)
{
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    for (int i = 0; i < 500; i++) {
        if (try(1, "ListZones", &request) == ERR_NONE)
            return;
        clock_sleep_ms(20);
    }
    fail_msg("the service does not answer: %s", err_text);
}

static inline int start(void **state)
{
    (void)state;
    struct err err = { 0 };
    test_postgres_start(&postgres);
    test_nats_start(&nats);
    run("postgres", "CREATE ROLE nwims_registry LOGIN; CREATE ROLE nwims_registry_owner LOGIN;"
                    "GRANT CREATE ON DATABASE postgres TO nwims_registry_owner");
    AUTO(store) superuser = open_as("postgres", "registry");
    forgotten_tenant_listen(superuser, "nwims_registry");
    start_service();
    const struct bus_config config = { .url = nats.url, .user = "", .password = "", .name = "registry-test" };
    arena_init(&arena, 64 * 1024 * 1024);
    must(bus_open(&bus, &config, &err), &err);
    must(bus_subscribe(&subscription, bus, "events.>", NULL, on_event_take, NULL, &err), &err);
    must(bus_subscribe(&audit_subscription, bus, "audit.>", NULL, on_audit_take, NULL, &err), &err);
    await_service();
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    bus_subscription_close(subscription);
    bus_subscription_close(audit_subscription);
    bus_close(bus);
    arena_done(&arena);
    test_process_end(service, SIGTERM);
    return 0;
}

/* The last test of a program but those that stop the database: see forgotten_tenant.h. */
static inline void check_forgotten_tenant(size_t least_statements, size_t least_mattered)
{
    AUTO(store) superuser = open_as("postgres", "registry");
    forgotten_tenant_check(superuser, postgres.folder, "nwims_registry", least_statements, least_mattered);
}

/* ---- making things ---- */
static inline char *text_of(const char *text)
{
    return arena_text(&arena, text);
}

static inline char *make_municipality(int32_t tenant_id, const char *code)
{
    Nwims__V1__Municipality request = NWIMS__V1__MUNICIPALITY__INIT;
    request.code = text_of(code);
    request.name = text_of("Lakeside");
    return ((Nwims__V1__Municipality *)call(tenant_id, "CreateMunicipality", &request))->id;
}

static inline char *make_zone(int32_t tenant_id, const char *code, char *municipality_id)
{
    Nwims__V1__Zone request = NWIMS__V1__ZONE__INIT;
    request.code = text_of(code);
    request.name = text_of("Upper zone");
    request.municipality_id = municipality_id;
    return ((Nwims__V1__Zone *)call(tenant_id, "CreateZone", &request))->id;
}

static inline char *make_device(int32_t tenant_id, const char *code)
{
    Nwims__V1__Device request = NWIMS__V1__DEVICE__INIT;
    request.code = text_of(code);
    request.protocol = text_of("mqtt");
    return ((Nwims__V1__Device *)call(tenant_id, "CreateDevice", &request))->id;
}

static inline Nwims__V1__Sensor *make_sensor(int32_t tenant_id, const char *code, const char *kind)
{
    Nwims__V1__Sensor request = NWIMS__V1__SENSOR__INIT;
    request.code = text_of(code);
    request.kind = text_of(kind);
    return call(tenant_id, "CreateSensor", &request);
}

static inline Nwims__V1__ById by_id(const char *id)
{
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    request.id = text_of(id);
    return request;
}
