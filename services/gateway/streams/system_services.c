#include "base/clock.h"
#include "exchange.h"
#include "streams/system_ping.h"
#include "streams/system_status.h"
#include <inttypes.h>
#include <string.h>

enum { MOST_EXPECTED = 64 };

const struct hand_written get_system_services_manual = {
    .operation_id = "GetSystemServices",
    .summary = "Every process of the system that answers now, and which services of this deployment do not.",
    .reply = &nwims__v1__system_services__descriptor,
};

static bool describe(struct arena *arena, const Nwims__V1__ServiceState *state, Nwims__V1__ServiceInstance *instance)
{
    int64_t up_us = clock_now_us() - state->started_at;
    nwims__v1__service_instance__init(instance);
    instance->name = state->name;
    instance->instance = arena_printf(arena, "%s:%" PRId64, state->host, state->pid);
    instance->version = state->version;
    instance->commit = state->commit;
    instance->state = (char *)(uintptr_t)(state->is_ready ? "ready" : "not_ready");
    instance->failing = state->failing;
    instance->n_failing = state->n_failing;
    instance->has_started_at = instance->has_uptime_s = instance->has_resident_bytes = true;
    instance->started_at = state->started_at;
    instance->uptime_s = up_us > 0 ? up_us / 1000000 : 0;
    instance->resident_bytes = state->resident_bytes;
    return instance->instance != NULL;
}

static bool has_answered(Nwims__V1__ServiceState *const *states, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(states[i]->name, name) == 0)
            return true;
    return false;
}

/* The deployment says which services there should be; what is not said cannot be missed. */
static bool add_missing(struct exchange *exchange, Nwims__V1__ServiceState *const *states, size_t count,
    Nwims__V1__SystemServices *services)
{
    char *rest = NULL;
    char *expected = arena_text(exchange->arena, exchange->app->config.expected_services);
    if (!expected)
        return false;
    for (char *name = strtok_r(expected, ", ", &rest); name && services->missing < MOST_EXPECTED;
         name = strtok_r(NULL, ", ", &rest)) {
        Nwims__V1__ServiceInstance *instance;
        if (has_answered(states, count, name))
            continue;
        if (!(instance = arena_alloc(exchange->arena, sizeof *instance)))
            return false;
        nwims__v1__service_instance__init(instance);
        instance->name = name;
        instance->state = (char *)(uintptr_t) "missing";
        services->items[services->n_items++] = instance;
        services->missing++;
    }
    return true;
}

static bool list(struct exchange *exchange, Nwims__V1__ServiceState *const *states, size_t count,
    Nwims__V1__SystemServices *services)
{
    services->has_ready = services->has_not_ready = services->has_missing = true;
    services->items = arena_alloc_array(exchange->arena, count + MOST_EXPECTED, sizeof *services->items);
    Nwims__V1__ServiceInstance *instances = arena_alloc_array(exchange->arena, count + 1, sizeof *instances);
    if (!services->items || !instances)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!describe(exchange->arena, states[i], &instances[i]))
            return false;
        services->items[services->n_items++] = &instances[i];
        *(states[i]->is_ready ? &services->ready : &services->not_ready) += 1;
    }
    return add_missing(exchange, states, count, services);
}

void get_system_services(struct exchange *exchange)
{
    Nwims__V1__SystemServices services = NWIMS__V1__SYSTEM_SERVICES__INIT;
    Nwims__V1__ServiceState **states;
    size_t count;
    if (!system_ping_ask(exchange, &states, &count))
        return;
    if (list(exchange, states, count, &services))
        exchange_message(exchange, 200, &services.base);
    else
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
}
