#include "base/clock.h"
#include "base/queue.h"
#include "rpc/rpc_internal.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_PRESET_BYTES = 16 * 1024 * 1024, MOST_WORKERS = 256 };

struct worker {
    struct rpc_server *server;
    pthread_t thread;
    struct rpc_answerer answerer;
};

struct rpc_server {
    struct bus *bus;
    struct bus_subscription *subscription;
    struct queue *queue;
    struct rpc_metrics *metrics;
    rpc_handler **handlers;
    struct worker *workers;
    size_t worker_count; /* those that run */
};

static void pending_free(struct rpc_pending *pending)
{
    bus_message_close(pending->message);
    free(pending);
}

static void *worker_run(void *argument)
{
    struct worker *worker = argument;
    struct rpc_server *server = worker->server;
    struct rpc_pending *pending;
    while ((pending = queue_pop(server->queue, -1))) {
        rpc_metrics_waiting(server->metrics, queue_count(server->queue));
        rpc_answer(&worker->answerer, pending);
        pending_free(pending);
    }
    return NULL;
}

/* On the bus's own thread: no work here but to queue or to refuse. */
static void take_message(void *context, struct bus_message *message)
{
    struct rpc_server *server = context;
    struct rpc_pending *pending = malloc(sizeof *pending);
    if (pending) {
        int64_t now_us = clock_monotonic_us();
        *pending = (struct rpc_pending){ message, now_us, now_us + rpc_deadline_ms(message) * 1000 };
        if (queue_push(server->queue, pending, 0)) {
            rpc_metrics_waiting(server->metrics, queue_count(server->queue));
            return;
        }
    }
    free(pending);
    rpc_metrics_refused(server->metrics, RPC_REFUSED_FULL);
    rpc_refuse(server->bus, message, rpc_status_of(ERR_LIMIT), "too many calls are waiting, try again later");
    bus_message_close(message);
}

static bool find_handlers(struct rpc_server *server, const struct rpc_server_config *config, struct err *err)
{
    const ProtobufCServiceDescriptor *service = config->service;
    server->handlers = calloc(service->n_methods, sizeof(rpc_handler *));
    if (!server->handlers)
        return err_set(err, ERR_LIMIT, "no memory for the methods of %s", service->short_name);
    for (const struct rpc_method *method = config->methods; method->name; method++) {
        const ProtobufCMethodDescriptor *described =
            protobuf_c_service_descriptor_get_method_by_name(service, method->name);
        if (!described || !method->handler)
            return err_set(err, ERR_BUG, "%s has no method %s", service->short_name, method->name);
        if (server->handlers[described - service->methods])
            return err_set(err, ERR_BUG, "%s.%s has two handlers", service->short_name, method->name);
        server->handlers[described - service->methods] = method->handler;
    }
    for (unsigned i = 0; i < service->n_methods; i++)
        if (!server->handlers[i])
            return err_set(err, ERR_BUG, "%s.%s has no handler", service->short_name, service->methods[i].name);
    return true;
}

static bool start_workers(struct rpc_server *server, const struct rpc_server_config *config, struct err *err)
{
    server->workers = calloc((size_t)config->workers, sizeof *server->workers);
    if (!server->workers)
        return err_set(err, ERR_LIMIT, "no memory for %d workers", (int)config->workers);
    for (size_t i = 0; i < (size_t)config->workers; i++) {
        struct worker *worker = &server->workers[i];
        worker->server = server;
        worker->answerer = (struct rpc_answerer){ .bus = server->bus,
            .service = config->service,
            .handlers = server->handlers,
            .context = config->context,
            .metrics = server->metrics,
            .reply = { .ceiling_bytes = WIRE_LARGEST_MESSAGE } };
        arena_init(&worker->answerer.arena, config->arena_bytes > 0 ? (size_t)config->arena_bytes : ARENA_PRESET_BYTES);
        if (pthread_create(&worker->thread, NULL, worker_run, worker) != 0)
            return err_set(err, ERR_LIMIT, "cannot start worker %zu", i);
        server->worker_count++;
    }
    return true;
}

static bool subscribe(struct rpc_server *server, const ProtobufCServiceDescriptor *service, struct err *err)
{
    char subject[RPC_SUBJECT_SIZE], group[RPC_SUBJECT_SIZE];
    if (!rpc_subject(subject, service, "*"))
        return err_set(err, ERR_BUG, "the name of %s is too long", service->short_name);
    size_t length = strlen(subject) - strlen("rpc.") - strlen(".*");
    memcpy(group, subject + strlen("rpc."), length);
    group[length] = '\0';
    return bus_subscribe(&server->subscription, server->bus, subject, group, take_message, server, err);
}

static struct rpc_server *server_alloc(struct bus *bus, const struct rpc_server_config *config)
{
    struct rpc_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->bus = bus;
    server->queue = queue_new((size_t)config->queue);
    server->metrics = rpc_metrics_of(config->service);
    if (server->queue && server->metrics)
        return server;
    rpc_server_close(server);
    return NULL;
}

bool rpc_server_open(
    struct rpc_server **out_server, struct bus *bus, const struct rpc_server_config *config, struct err *err)
{
    if (config->workers < 1 || config->workers > MOST_WORKERS || config->queue < 1)
        return err_set(err, ERR_BUG, "an RPC server needs 1 to %d workers and a queue", MOST_WORKERS);
    struct rpc_server *server = server_alloc(bus, config);
    if (!server)
        return err_set(err, ERR_LIMIT, "no memory for an RPC server");
    if (!find_handlers(server, config, err) || !start_workers(server, config, err) ||
        !subscribe(server, config->service, err)) {
        rpc_server_close(server);
        return false;
    }
    *out_server = server;
    return true;
}

void rpc_server_close(struct rpc_server *server)
{
    if (!server)
        return;
    bus_subscription_close(server->subscription);
    if (server->queue)
        queue_close(server->queue);
    for (size_t i = 0; i < server->worker_count; i++)
        pthread_join(server->workers[i].thread, NULL);
    for (size_t i = 0; i < server->worker_count; i++) {
        arena_done(&server->workers[i].answerer.arena);
        buffer_done(&server->workers[i].answerer.reply);
    }
    queue_free(server->queue);
    free(server->handlers);
    free(server->workers);
    free(server);
}
