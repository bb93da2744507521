/* NATS, PostgreSQL with the auditor's two roles, and the auditor as a process. Everything fails the test itself. */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "bus/bus.h"
#include "nwims/v1/audit.pb-c.h"
#include "nwims/v1/common.pb-c.h"
#include "rpc/rpc.h"
#include "service/streams.h"
#include "store/store.h"
#include "tests/integration/forgotten_tenant.h"
#include "tests/support/test_process.h"
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the four that it needs */
#include <cmocka.h>

#define STACK_MASTER "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
enum { STACK_REPLICAS = 2, STACK_SEAL_MS = 1200, STACK_WAIT_S = 60, STACK_CALL_MS = 20000 };

struct stack {
    struct test_postgres postgres;
    struct test_nats nats;
    pid_t replicas[STACK_REPLICAS];
    struct bus *bus;
    struct store *superuser, *worker;
    struct arena arena; /* of the last call */
};

static inline void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
}

static inline struct store *stack_store(struct stack *stack, const char *role)
{
    char url[128];
    struct err err = { 0 };
    struct store *store = NULL;
    snprintf(url, sizeof url, "postgresql://%s@127.0.0.1:%d/postgres", role, stack->postgres.port);
    const struct store_config config = { .url = url,
        .schema = "audit",
        .name = "test",
        .pool_size = 2,
        .wait_ms = 5000,
        .statement_ms = 30000,
        .prepare = true };
    must(store_open(&store, &config, &err), &err);
    return store;
}

/* As the superuser: what nobody else may do. */
static inline void stack_sql(struct stack *stack, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, stack->superuser, &err) && store_script(session, sql, &err), &err);
}

static inline int64_t stack_number(struct stack *stack, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    must(store_session_open(&session, stack->superuser, &err) && store_query(session, &result, sql, NO_PARAMS, &err),
        &err);
    return store_result_int(result, 0, 0);
}

static inline void stack_wait_for(struct stack *stack, const char *sql, int64_t at_least)
{
    int64_t end = clock_monotonic_us() + STACK_WAIT_S * INT64_C(1000000), found = -1;
    while (clock_monotonic_us() < end && (found = stack_number(stack, sql)) < at_least)
        clock_sleep_ms(20);
    if (found < at_least)
        fail_msg("%" PRId64 " instead of %" PRId64 ": %s", found, at_least, sql);
}

static inline void stack_replica_start(struct stack *stack, int number)
{
    char path[512], nats[96], database[160], owner[160], admin[64], seal[32], name[32];
    const char *folder = getenv("NWIMS_BIN");
    int port = test_free_port();
    snprintf(path, sizeof path, "%s/auditor", folder ? folder : "build/debug/bin");
    snprintf(nats, sizeof nats, "NATS_URL=%s", stack->nats.url);
    snprintf(database, sizeof database, "DATABASE_URL=postgresql://nwims_auditor@127.0.0.1:%d/postgres",
        stack->postgres.port);
    snprintf(owner, sizeof owner, "DATABASE_OWNER_URL=postgresql://nwims_auditor_owner@127.0.0.1:%d/postgres",
        stack->postgres.port);
    snprintf(admin, sizeof admin, "ADMIN_ADDRESS=127.0.0.1:%d", port);
    snprintf(seal, sizeof seal, "SEAL_MS=%d", STACK_SEAL_MS);
    snprintf(name, sizeof name, "auditor-%d", number);
    const char *argv[] = { "env", nats, database, owner, admin, seal, "MASTER_KEY=" STACK_MASTER, "DRAIN_DELAY_MS=0",
        "ACK_WAIT_MS=2000", path, NULL };
    stack->replicas[number] = test_process_start(stack->nats.folder, name, argv);
    test_wait_for_port(port);
}

static inline void stack_start(struct stack *stack)
{
    struct err err = { 0 };
    test_postgres_start(&stack->postgres);
    test_nats_start(&stack->nats);
    arena_init(&stack->arena, (size_t)96 << 20);
    stack->superuser = stack_store(stack, "postgres");
    stack_sql(stack, "CREATE ROLE nwims_auditor LOGIN; CREATE ROLE nwims_auditor_owner LOGIN;"
                     "CREATE SCHEMA audit AUTHORIZATION nwims_auditor_owner;"
                     /* What an installation that did not think of it would give. */
                     "ALTER DEFAULT PRIVILEGES FOR ROLE nwims_auditor_owner IN SCHEMA audit GRANT ALL ON TABLES TO "
                     "nwims_auditor");
    forgotten_tenant_listen(stack->superuser, "nwims_auditor");
    stack->worker = stack_store(stack, "nwims_auditor");
    must(bus_open(&stack->bus,
             &(struct bus_config){ .url = stack->nats.url, .user = "", .password = "", .name = "test" }, &err),
        &err);
    must(streams_ensure(stack->bus, &err), &err);
    stack_replica_start(stack, 0);
    stack_wait_for(stack, "SELECT count(*) FROM pg_class WHERE relname LIKE 'record_20__\\___'", 2);
}

static inline void stack_stop(struct stack *stack)
{
    for (size_t i = 0; i < COUNT_OF(stack->replicas); i++)
        if (stack->replicas[i] > 0)
            test_process_end(stack->replicas[i], SIGTERM);
    store_close(stack->superuser);
    store_close(stack->worker);
    bus_close(stack->bus);
    arena_done(&stack->arena);
}

/* ---- records
 * --------------------------------------------------------------------------------------------------------- */
static inline Nwims__V1__AuditRecord stack_record(char id[UUID_TEXT_SIZE], int32_t tenant_id, int64_t number)
{
    static char entity_id[32];
    Nwims__V1__AuditRecord record = NWIMS__V1__AUDIT_RECORD__INIT;
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    snprintf(entity_id, sizeof entity_id, "s-%" PRId64, number);
    record.id = id;
    record.has_tenant_id = tenant_id > 0;
    record.tenant_id = tenant_id;
    record.has_happened_at = true;
    record.happened_at = clock_now_us();
    record.actor = number % 2 ? "user-odd" : "user-even";
    record.action = "sensor.updated";
    record.entity = "sensor";
    record.entity_id = entity_id;
    record.outcome = number % 10 == 0 ? "refused" : "ok";
    record.request_id = "r-1";
    record.detail = "{\"fields\":[\"name\"]}";
    return record;
}

static inline void stack_publish(struct stack *stack, const Nwims__V1__AuditRecord *record, const char *message_id)
{
    struct err err = { 0 };
    AUTO_INPLACE(buffer) body = { 0 };
    char subject[64];
    snprintf(subject, sizeof subject, "audit.%d.sensor", (int)record->tenant_id);
    must(wire_encode(&body, &record->base, &err), &err);
    const struct bus_outgoing message = { .subject = subject, .data = body.data, .size = body.size };
    must(bus_publish(stack->bus, &message, message_id, 10000, NULL, &err), &err);
}

/* So many records of a tenant, stored. */
static inline void stack_fill(struct stack *stack, int32_t tenant_id, int64_t count)
{
    char sql[128];
    for (int64_t i = 1; i <= count; i++) {
        char id[UUID_TEXT_SIZE];
        Nwims__V1__AuditRecord record = stack_record(id, tenant_id, i);
        stack_publish(stack, &record, id);
    }
    snprintf(sql, sizeof sql, "SELECT count(*) FROM audit.record WHERE tenant_id = %d", (int)tenant_id);
    stack_wait_for(stack, sql, count);
}

/* ---- calls
 * ----------------------------------------------------------------------------------------------------------- */
static inline struct rpc_caller stack_caller(int32_t tenant_id, const char *permissions)
{
    struct rpc_caller caller = { .tenant_id = tenant_id, .actor = "tester", .request_id = "r-1" };
    snprintf(caller.permissions, sizeof caller.permissions, "%s", permissions);
    trace_begin(&caller.trace, NULL);
    return caller;
}

/* NULL and the error when it fails. The answer lives until the next call. */
static inline void *stack_try(struct stack *stack, const struct rpc_caller *caller, const char *method,
    const ProtobufCMessage *request, struct err *err)
{
    ProtobufCMessage *reply = NULL;
    struct Nwims__V1__Failure *failure = NULL;
    arena_reset(&stack->arena);
    *err = (struct err){ 0 };
    return rpc_call(stack->bus, &nwims__v1__auditor__descriptor, method, caller, request, STACK_CALL_MS, &stack->arena,
               &reply, &failure, err)
               ? reply
               : NULL;
}

static inline void *stack_call(
    struct stack *stack, int32_t tenant_id, const char *method, const ProtobufCMessage *request)
{
    struct err err;
    const struct rpc_caller caller = stack_caller(tenant_id, "audit:read");
    void *reply = stack_try(stack, &caller, method, request, &err);
    must(reply != NULL, &err);
    return reply;
}

static inline const Nwims__V1__VerifyChainReply *stack_verify(struct stack *stack, int32_t tenant_id)
{
    const Nwims__V1__VerifyChainRequest request = NWIMS__V1__VERIFY_CHAIN_REQUEST__INIT;
    return stack_call(stack, tenant_id, "VerifyChain", &request.base);
}

/* Until the head of this record is signed. */
static inline void stack_wait_sealed(struct stack *stack, int32_t tenant_id, int64_t sequence)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT coalesce(max(sequence), 0) FROM audit.head WHERE tenant_id = %d", (int)tenant_id);
    stack_wait_for(stack, sql, sequence);
}
