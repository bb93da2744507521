/* NATS, PostgreSQL and the programs of the telemetry slice, for the tests of batch-writer and history. Everything fails
 * the test itself. */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "bus/bus.h"
#include "bus/bus_inbox.h"
#include "nwims/v1/readings.pb-c.h"
#include "service/streams.h"
#include "store/store.h"
#include "tests/support/test_process.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the four that it needs */
#include <cmocka.h>

#define STACK_DAY_US (86400 * INT64_C(1000000))
#define STACK_HOUR_US (3600 * INT64_C(1000000))

struct stack {
    struct test_postgres postgres;
    struct test_nats nats;
    struct bus *bus;
    struct bus_inbox *inbox;
    struct store *owner;
    char owner_url[128], history_url[128];
};

static inline void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
}

static inline struct store *stack_store(const char *url)
{
    struct err err = { 0 };
    struct store *store = NULL;
    must(store_open(&store,
             &(struct store_config){ .url = url,
                 .schema = "telemetry",
                 .name = "test",
                 .pool_size = 4,
                 .wait_ms = 5000,
                 .statement_ms = 20000,
                 .prepare = true },
             &err),
        &err);
    return store;
}

static inline void stack_script(struct store *store, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, store, &err) && store_script(session, sql, &err), &err);
}

/* The first column of the first row. */
static inline int64_t stack_number(struct store *store, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    must(store_session_open(&session, store, &err) && store_query(session, &result, sql, NO_PARAMS, &err), &err);
    return store_result_int(result, 0, 0);
}

static inline void stack_wait_for(struct store *store, const char *sql, int64_t wanted)
{
    int64_t end = clock_monotonic_us() + 60 * INT64_C(1000000), found = -1;
    while (clock_monotonic_us() < end && (found = stack_number(store, sql)) != wanted)
        clock_sleep_ms(20);
    if (found != wanted)
        fail_msg("%" PRId64 " instead of %" PRId64 ": %s", found, wanted, sql);
}

static inline void stack_start(struct stack *stack)
{
    struct err err = { 0 };
    test_postgres_start(&stack->postgres);
    test_nats_start(&stack->nats);
    struct store *super = NULL;
    must(store_open(&super,
             &(struct store_config){ .url = stack->postgres.url,
                 .schema = "public",
                 .name = "test",
                 .pool_size = 1,
                 .wait_ms = 5000,
                 .prepare = true },
             &err),
        &err);
    stack_script(super, "CREATE ROLE nwims_batch_writer_owner LOGIN; CREATE ROLE nwims_history LOGIN;"
                        "GRANT CREATE ON DATABASE postgres TO nwims_batch_writer_owner");
    store_close(super);
    snprintf(stack->owner_url, sizeof stack->owner_url, "postgresql://nwims_batch_writer_owner@127.0.0.1:%d/postgres",
        stack->postgres.port);
    snprintf(stack->history_url, sizeof stack->history_url, "postgresql://nwims_history@127.0.0.1:%d/postgres",
        stack->postgres.port);
    must(bus_open(&stack->bus,
             &(struct bus_config){ .url = stack->nats.url, .user = "", .password = "", .name = "test" }, &err),
        &err);
    must(streams_ensure(stack->bus, &err), &err);
    must(bus_inbox_open(&stack->inbox, stack->bus, 4096, &err), &err);
    stack->owner = stack_store(stack->owner_url);
}

static inline void stack_stop(struct stack *stack)
{
    store_close(stack->owner);
    bus_inbox_close(stack->inbox);
    bus_close(stack->bus);
}

/* Starts a program of ours with settings NAME=value (NULL-terminated, at most 8) besides the connections. */
static inline pid_t stack_program(
    struct stack *stack, const char *program, const char *url, const char *owner_url, const char *const settings[])
{
    char path[512], nats[96], database[160], owner[160], admin[64];
    const char *folder = getenv("NWIMS_BIN");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "build/debug/bin", program);
    snprintf(nats, sizeof nats, "NATS_URL=%s", stack->nats.url);
    snprintf(database, sizeof database, "DATABASE_URL=%s", url);
    snprintf(owner, sizeof owner, "DATABASE_OWNER_URL=%s", owner_url);
    int port = test_free_port();
    snprintf(admin, sizeof admin, "ADMIN_ADDRESS=127.0.0.1:%d", port);
    const char *argv[20] = { "env", nats, database, owner, admin, "DRAIN_DELAY_MS=0", "CONNECT_WAIT_MS=10000" };
    size_t count = 7;
    for (size_t i = 0; settings && settings[i] && count < 18; i++)
        argv[count++] = settings[i];
    argv[count++] = path;
    argv[count] = NULL;
    pid_t pid = test_process_start(stack->nats.folder, program, argv);
    test_wait_for_port(port);
    return pid;
}

static inline pid_t stack_writer(struct stack *stack, const char *const settings[])
{
    return stack_program(stack, "batch-writer", stack->owner_url, stack->owner_url, settings);
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */
struct row {
    int32_t sensor_no;
    int64_t observed_at;
    double value;
    uint32_t status, flags;
};

/* Publishes; the commit's answer goes to the expectation unless that is NULL. with_marks: send status and flags. */
static inline void stack_publish(struct stack *stack, int32_t tenant_id, const struct row *rows, size_t count,
    bool with_marks, struct bus_expectation *expectation)
{
    struct err err = { 0 };
    struct arena arena;
    struct buffer body;
    char id[UUID_TEXT_SIZE], subject[64];
    struct uuid uuid = uuid_new();
    arena_init(&arena, (size_t)64 << 20);
    buffer_init(&body, 0);
    Nwims__V1__ReadingBatch batch = NWIMS__V1__READING_BATCH__INIT;
    batch.has_batch_id = batch.has_tenant_id = batch.has_received_at = batch.has_base_at = true;
    batch.batch_id = (ProtobufCBinaryData){ .len = sizeof uuid.bytes, .data = uuid.bytes };
    batch.tenant_id = tenant_id;
    batch.received_at = clock_now_us();
    batch.base_at = count > 0 ? rows[0].observed_at : 0;
    batch.sensor_no = arena_alloc_array(&arena, count, sizeof *batch.sensor_no);
    batch.observed_delta_us = arena_alloc_array(&arena, count, sizeof *batch.observed_delta_us);
    batch.value = arena_alloc_array(&arena, count, sizeof *batch.value);
    batch.status = arena_alloc_array(&arena, count, sizeof *batch.status);
    batch.flags = arena_alloc_array(&arena, count, sizeof *batch.flags);
    batch.n_sensor_no = batch.n_observed_delta_us = batch.n_value = count;
    batch.n_status = batch.n_flags = with_marks ? count : 0;
    for (size_t i = 0; i < count; i++) {
        batch.sensor_no[i] = rows[i].sensor_no;
        batch.observed_delta_us[i] = rows[i].observed_at - batch.base_at;
        batch.value[i] = rows[i].value;
        batch.status[i] = rows[i].status;
        batch.flags[i] = rows[i].flags;
    }
    must(wire_encode(&body, &batch.base, &err), &err);
    uuid_format(id, &uuid);
    snprintf(subject, sizeof subject, "readings.%" PRId32 ".http", tenant_id);
    struct bus_header header = { "Nwims-Commit-To", expectation ? bus_expectation_subject(expectation) : NULL };
    must(bus_publish(stack->bus,
             &(struct bus_outgoing){ .subject = subject,
                 .data = body.data,
                 .size = body.size,
                 .headers = &header,
                 .header_count = expectation ? 1 : 0 },
             id, 5000, NULL, &err),
        &err);
    buffer_done(&body);
    arena_done(&arena);
}

struct answer {
    int64_t stored, duplicate;
    char error[256];
};

static inline struct answer stack_answer(struct bus_expectation *expectation)
{
    struct err err = { 0 };
    struct arena arena;
    struct answer answer = { 0 };
    AUTO(bus_message) message = NULL;
    ProtobufCMessage *decoded;
    must(bus_expectation_wait(expectation, 60000, &message, &err), &err);
    arena_init(&arena, 1 << 20);
    must(wire_decode(&decoded, &arena, &nwims__v1__commit_result__descriptor, bus_message_data(message),
             bus_message_size(message), &err),
        &err);
    const Nwims__V1__CommitResult *result = (const Nwims__V1__CommitResult *)decoded;
    answer.stored = result->stored;
    answer.duplicate = result->duplicate;
    snprintf(answer.error, sizeof answer.error, "%s", result->error ? result->error : "");
    arena_done(&arena);
    return answer;
}

/* Publishes and waits for the commit. */
static inline struct answer stack_send(
    struct stack *stack, int32_t tenant_id, const struct row *rows, size_t count, bool with_marks)
{
    struct err err = { 0 };
    AUTO(bus_expectation) expectation = NULL;
    must(bus_inbox_expect(&expectation, stack->inbox, &err), &err);
    stack_publish(stack, tenant_id, rows, count, with_marks, expectation);
    return stack_answer(expectation);
}
