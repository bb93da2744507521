/* civetweb waits anew for every byte of a body that it was asked for: who sends one now and then would hold a thread
 * for as long as they like. So a thread watches the others while they read, and ends what they read from when the time
 * is over. */
#include "base/clock.h"
#include "base/condition.h"
#include "http/http_internal.h"
#include <sys/socket.h>

enum { LOOK_EVERY_MS = 250 };

static void look_at(struct http_worker *worker)
{
    pthread_mutex_lock(&worker->watch_lock);
    if (worker->read_until_us != 0 && clock_monotonic_us() > worker->read_until_us) {
        int fd = http_socket_of(&worker->request);
        worker->read_until_us = 0;
        if (fd >= 0)
            shutdown(fd, SHUT_RD);
    }
    pthread_mutex_unlock(&worker->watch_lock);
}

static void *watch(void *argument)
{
    struct http_server *server = argument;
    pthread_mutex_lock(&server->watch_lock);
    while (!server->ends_watch) {
        for (struct http_worker *worker = server->workers; worker; worker = worker->next)
            look_at(worker);
        (void)condition_wait_until(&server->watch_end, &server->watch_lock, clock_end_us(LOOK_EVERY_MS));
    }
    pthread_mutex_unlock(&server->watch_lock);
    return NULL;
}

void http_watch_init(struct http_server *server)
{
    pthread_mutex_init(&server->watch_lock, NULL);
    condition_init(&server->watch_end);
}

void http_watch_add(struct http_worker *worker)
{
    struct http_server *server = worker->server;
    pthread_mutex_init(&worker->watch_lock, NULL);
    pthread_mutex_lock(&server->watch_lock);
    worker->next = server->workers;
    server->workers = worker;
    pthread_mutex_unlock(&server->watch_lock);
}

void http_watch_remove(struct http_worker *worker)
{
    struct http_server *server = worker->server;
    struct http_worker **link = &server->workers;
    pthread_mutex_lock(&server->watch_lock);
    while (*link != worker)
        link = &(*link)->next;
    *link = worker->next;
    pthread_mutex_unlock(&server->watch_lock);
    pthread_mutex_destroy(&worker->watch_lock);
}

/* The thread is made when the first body is read: most servers here never read one. */
static void begin(struct http_server *server)
{
    if (atomic_load(&server->is_watched))
        return;
    pthread_mutex_lock(&server->watch_lock);
    if (!atomic_load(&server->is_watched))
        atomic_store(&server->is_watched, pthread_create(&server->watcher, NULL, watch, server) == 0);
    pthread_mutex_unlock(&server->watch_lock);
}

void http_watch_begin(struct http_request *request)
{
    struct http_worker *worker = request->worker;
    begin(worker->server);
    pthread_mutex_lock(&worker->watch_lock);
    worker->read_until_us = clock_monotonic_us() + worker->server->config.request_ms * 1000;
    pthread_mutex_unlock(&worker->watch_lock);
}

void http_watch_end(struct http_request *request)
{
    pthread_mutex_lock(&request->worker->watch_lock);
    request->worker->read_until_us = 0;
    pthread_mutex_unlock(&request->worker->watch_lock);
}

void http_watch_close(struct http_server *server)
{
    if (atomic_load(&server->is_watched)) {
        pthread_mutex_lock(&server->watch_lock);
        server->ends_watch = true;
        pthread_cond_signal(&server->watch_end);
        pthread_mutex_unlock(&server->watch_lock);
        pthread_join(server->watcher, NULL);
    }
    pthread_mutex_destroy(&server->watch_lock);
    pthread_cond_destroy(&server->watch_end);
}
