/* NATS, the streams, and a registry that does as the test says, for the tests of the ingest side. Everything fails the
 * test itself. */
#pragma once
#include "auth/auth.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "bus/bus.h"
#include "nwims/v1/audit.pb-c.h"
#include "nwims/v1/readings.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "rpc/rpc.h"
#include "service/streams.h"
#include "tests/support/test_process.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* after the four that it needs */
#include <cmocka.h>

#define STACK_DEVICE "01900000-0000-7000-8000-0000000000d1"
#define STACK_OTHER_DEVICE "01900000-0000-7000-8000-0000000000d2"
#define STACK_CREDENTIAL "01900000-0000-7000-8000-0000000000c1"
#define STACK_TOKEN "nwd_token-of-the-test"
#define STACK_PSK_IDENTITY "meter-7"
#define STACK_PSK "sixteen-bytes-it"

static inline void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
}

/* ---- the registry ---- */
struct stack_sensor {
    const char *code, *id, *unit, *device_id, *state;
    int32_t sensor_no;
    bool has_range;
};
static const struct stack_sensor stack_sensors[] = {
    { "P1", "01900000-0000-7000-8000-000000000001", "bar", NULL, "active", 101, true },
    { "F1", "01900000-0000-7000-8000-000000000002", "m3/h", STACK_DEVICE, "active", 102, false },
    { "OFF", "01900000-0000-7000-8000-000000000003", "bar", NULL, "disabled", 103, false },
    { "THEIRS", "01900000-0000-7000-8000-000000000004", "bar", STACK_OTHER_DEVICE, "active", 104, false },
    { "ODD", "01900000-0000-7000-8000-000000000005", "no-such-unit", NULL, "active", 105, false },
};
struct stack_registry {
    struct rpc_server *server;
    atomic_int sensor_calls, credential_calls, most_names;
    atomic_int slow_ms;                  /* between reading what is so and answering it */
    atomic_int range_max;                /* of P1 */
    _Atomic(const char *) configuration; /* of a device that is asked; NULL: there is none */
    char fingerprint[65]; /* of the certificate that is STACK_DEVICE's, hex; set before it is asked for */
    atomic_bool is_broken, device_is_disabled, credential_is_gone, has_expired, answers_nonsense;
};

static inline void stack_resolve_one(struct stack_registry *registry, struct rpc_call *call, const char *name,
    uint32_t index, Nwims__V1__ResolveSensorsReply *reply)
{
    bool is_many = strncmp(name, "MANY-", 5) == 0;
    for (size_t i = 0; i < COUNT_OF(stack_sensors); i++) {
        const struct stack_sensor *sensor = &stack_sensors[i];
        if (!is_many && strcmp(name, sensor->code) != 0 && strcasecmp(name, sensor->id) != 0)
            continue;
        Nwims__V1__ResolvedSensor *resolved =
            (Nwims__V1__ResolvedSensor *)wire_new(call->arena, &nwims__v1__resolved_sensor__descriptor);
        resolved->has_index = resolved->has_sensor_no = true;
        resolved->index = index;
        resolved->sensor_no = is_many ? 1000 + atoi(name + 5) : sensor->sensor_no;
        resolved->code = arena_text(call->arena, is_many ? name : sensor->code);
        resolved->id = arena_text(call->arena, sensor->id);
        resolved->unit = arena_text(call->arena, sensor->unit);
        resolved->state = arena_text(call->arena, sensor->state);
        if (sensor->device_id)
            resolved->device_id = arena_text(call->arena, sensor->device_id);
        resolved->has_range_min = resolved->has_range_max = sensor->has_range;
        resolved->range_max = atomic_load(&registry->range_max);
        if (atomic_load(&registry->answers_nonsense))
            resolved->index = 1000000;
        reply->sensors[reply->n_sensors++] = resolved;
        return;
    }
}

static inline bool stack_resolve_sensors(
    void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    struct stack_registry *registry = context;
    const Nwims__V1__ResolveSensorsRequest *request = input;
    Nwims__V1__ResolveSensorsReply *reply = output;
    atomic_fetch_add(&registry->sensor_calls, 1);
    if ((int)request->n_names > atomic_load(&registry->most_names))
        atomic_store(&registry->most_names, (int)request->n_names);
    if (atomic_load(&registry->is_broken))
        return err_set(err, ERR_TRANSIENT, "the database is away");
    reply->sensors = arena_alloc_array(call->arena, request->n_names, sizeof *reply->sensors);
    for (size_t i = 0; i < request->n_names; i++)
        stack_resolve_one(registry, call, request->names[i], (uint32_t)i, reply);
    clock_sleep_ms(atomic_load(&registry->slow_ms));
    return true;
}

/* A token by its verifier, a pre-shared key by its identity, a certificate by its fingerprint. */
static inline bool stack_is_credential(
    const struct stack_registry *registry, const Nwims__V1__ResolveCredentialRequest *request)
{
    unsigned char verifier[SHA256_SIZE];
    if (request->kind && strcmp(request->kind, "psk") == 0)
        return request->lookup && strcmp(request->lookup, STACK_PSK_IDENTITY) == 0;
    if (request->kind && strcmp(request->kind, "x509") == 0)
        return request->lookup && strcmp(request->lookup, registry->fingerprint) == 0;
    auth_sha256(verifier, STACK_TOKEN, strlen(STACK_TOKEN));
    return request->verifier.len == SHA256_SIZE && memcmp(request->verifier.data, verifier, SHA256_SIZE) == 0;
}

static inline bool stack_resolve_credential(
    void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    struct stack_registry *registry = context;
    const Nwims__V1__ResolveCredentialRequest *request = input;
    Nwims__V1__ResolveCredentialReply *reply = output;
    atomic_fetch_add(&registry->credential_calls, 1);
    if (atomic_load(&registry->is_broken))
        return err_set(err, ERR_TRANSIENT, "the database is away");
    if (atomic_load(&registry->credential_is_gone) || !stack_is_credential(registry, request))
        return err_set(err, ERR_NOT_FOUND, "no such credential");
    reply->has_tenant_id = true;
    reply->tenant_id = 7;
    reply->device_id = arena_text(call->arena, STACK_DEVICE);
    if (request->kind && strcmp(request->kind, "psk") == 0) {
        reply->has_secret = true;
        reply->secret.data = (uint8_t *)arena_text(call->arena, STACK_PSK);
        reply->secret.len = strlen(STACK_PSK);
    }
    reply->credential_id = arena_text(call->arena, STACK_CREDENTIAL);
    reply->device_state = arena_text(call->arena, atomic_load(&registry->device_is_disabled) ? "disabled" : "active");
    reply->has_expires_at = true;
    reply->expires_at = clock_now_us() + (atomic_load(&registry->has_expired) ? -1 : 3600) * INT64_C(1000000);
    clock_sleep_ms(atomic_load(&registry->slow_ms));
    return true;
}

/* One, if the test says so. */
static inline bool stack_polled(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    struct stack_registry *registry = context;
    Nwims__V1__ListPolledDevicesReply *reply = output;
    const char *configuration = atomic_load(&registry->configuration);
    (void)input;
    if (atomic_load(&registry->is_broken))
        return err_set(err, ERR_TRANSIENT, "the database is away");
    if (!configuration)
        return true;
    Nwims__V1__PolledDevice *device =
        (Nwims__V1__PolledDevice *)wire_new(call->arena, &nwims__v1__polled_device__descriptor);
    reply->items = arena_alloc_array(call->arena, 1, sizeof *reply->items);
    device->has_tenant_id = true;
    device->tenant_id = 7;
    device->device_id = arena_text(call->arena, STACK_DEVICE);
    device->device_code = arena_text(call->arena, "RTU");
    device->configuration = arena_text(call->arena, configuration);
    reply->items[reply->n_items++] = device;
    return true;
}

static inline bool stack_nothing(void *context, struct rpc_call *call, const void *input, void *output, struct err *err)
{
    (void)context, (void)call, (void)input, (void)output;
    return err_set(err, ERR_NOT_FOUND, "this registry only resolves");
}

static inline void stack_registry_start(struct stack_registry *registry, struct bus *bus)
{
    static struct rpc_method methods[64];
    const ProtobufCServiceDescriptor *service = &nwims__v1__registry__descriptor;
    struct err err = { 0 };
    assert_true(service->n_methods < COUNT_OF(methods));
    for (unsigned i = 0; i < service->n_methods; i++) {
        const char *name = service->methods[i].name;
        methods[i] = (struct rpc_method){ name, strcmp(name, "ResolveSensors") == 0      ? stack_resolve_sensors
                                                : strcmp(name, "ResolveCredential") == 0 ? stack_resolve_credential
                                                : strcmp(name, "ListPolledDevices") == 0 ? stack_polled
                                                                                         : stack_nothing };
    }
    atomic_store(&registry->range_max, 10);
    must(rpc_server_open(&registry->server, bus,
             &(struct rpc_server_config){ .service = service,
                 .methods = methods,
                 .context = registry,
                 .workers = 4,
                 .queue = 64,
                 .arena_bytes = 16 * 1024 * 1024 },
             &err),
        &err);
}

/* ---- all together ---- */
struct stack {
    struct test_nats nats;
    struct bus *bus; /* of the test and its registry */
    struct stack_registry registry;
    struct arena arena;
};

static inline struct bus *stack_bus(const struct stack *stack, const char *name)
{
    struct err err = { 0 };
    struct bus *bus = NULL;
    must(bus_open(&bus, &(struct bus_config){ .url = stack->nats.url, .user = "", .password = "", .name = name }, &err),
        &err);
    return bus;
}

static inline void stack_start(struct stack *stack)
{
    struct err err = { 0 };
    log_start("ingest-test", "0", LOG_ERROR);
    test_nats_start(&stack->nats);
    stack->bus = stack_bus(stack, "ingest-test");
    must(streams_ensure(stack->bus, &err), &err);
    stack_registry_start(&stack->registry, stack->bus);
    arena_init(&stack->arena, 128 * 1024 * 1024);
}

static inline void stack_stop(struct stack *stack)
{
    rpc_server_close(stack->registry.server);
    bus_close(stack->bus);
    arena_done(&stack->arena);
}

/* As the registry's outbox would. */
static inline void stack_tell(
    struct stack *stack, const char *entity, const char *id, const char *code, const char *token)
{
    Nwims__V1__EntityChanged event = NWIMS__V1__ENTITY_CHANGED__INIT;
    AUTO_INPLACE(buffer) body = { 0 };
    unsigned char verifier[SHA256_SIZE];
    char subject[64];
    struct err err = { 0 };
    event.has_tenant_id = true;
    event.tenant_id = 7;
    event.entity = (char *)(uintptr_t)entity;
    event.id = (char *)(uintptr_t)id;
    event.code = (char *)(uintptr_t)code;
    if (token) {
        auth_sha256(verifier, token, strlen(token));
        event.has_verifier = true;
        event.verifier = (ProtobufCBinaryData){ sizeof verifier, verifier };
    }
    snprintf(subject, sizeof subject, "events.7.%s", entity);
    must(wire_encode(&body, &event.base, &err) &&
             bus_publish(stack->bus, &(struct bus_outgoing){ .subject = subject, .data = body.data, .size = body.size },
                 NULL, 5000, NULL, &err),
        &err);
}

/* The next message of a stream, decoded into the stack's arena; NULL when none comes. */
static inline ProtobufCMessage *stack_next(struct stack *stack, struct bus_consumer *consumer,
    const ProtobufCMessageDescriptor *type, struct bus_message **out_message)
{
    struct err err = { 0 };
    ProtobufCMessage *decoded = NULL;
    struct bus_message *message = NULL;
    must(bus_consumer_next(consumer, 2000, &message, &err), &err);
    if (!message)
        return NULL;
    must(bus_message_ack(stack->bus, message, &err), &err);
    must(wire_decode(&decoded, &stack->arena, type, bus_message_data(message), bus_message_size(message), &err), &err);
    if (out_message)
        *out_message = message;
    else
        bus_message_close(message);
    return decoded;
}

static inline struct bus_consumer *stack_consumer(struct stack *stack, const char *stream, const char *durable)
{
    struct err err = { 0 };
    struct bus_consumer *consumer = NULL;
    must(bus_consumer_open(&consumer, stack->bus,
             &(struct bus_consumer_config){
                 .stream = stream, .durable = durable, .ack_wait_ms = 30000, .batch = 10, .max_ack_pending = 1000 },
             &err),
        &err);
    return consumer;
}

/* Of a program that has ended, so that all is told: 20 wrong tokens came from 127.0.0.2 and one that was shut out, and
 * STACK_DEVICE was revoked while it was connected. */
static inline void stack_expect_refused_logins(struct stack *stack, const char *durable, const char *protocol)
{
    AUTO(bus_consumer) consumer = stack_consumer(stack, "AUDIT", durable);
    const Nwims__V1__AuditRecord *record;
    size_t turned_away = 0, counted = 0, revoked = 0;
    char detail[96];
    snprintf(detail, sizeof detail, "{\"protocol\":\"%s\",\"reason\":\"credentials\"}", protocol);
    while ((record = (const Nwims__V1__AuditRecord *)stack_next(
                stack, consumer, &nwims__v1__audit_record__descriptor, NULL)) != NULL) {
        revoked += record->detail && strstr(record->detail, "\"revoked\"") && record->entity_id &&
                   strcmp(record->entity_id, STACK_DEVICE) == 0;
        if (!record->peer || strcmp(record->peer, "127.0.0.2") != 0)
            continue;
        assert_string_equal(record->outcome, "refused");
        assert_null(record->entity_id); /* a wrong token is nobody's */
        if (strcmp(record->action, "device.refused") == 0) {
            assert_string_equal(record->detail, detail);
            turned_away++;
        } else {
            assert_string_equal(record->action, "audit.suppressed");
            assert_string_equal(record->detail, "{\"action\":\"device.refused\",\"records\":11}");
            counted++;
        }
    }
    assert_int_equal(turned_away, 10);
    assert_int_equal(counted, 1);
    assert_true(revoked > 0);
}
