#include "base/clock.h"
#include "net/net_internal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_A_ROUND = 256, LONGEST_WAIT_MS = 1000, DRAIN_STEP_MS = 20 };

/* ---- places of connections ---- */
static bool grow(struct net_loop *loop)
{
    size_t count = loop->place_count ? 2 * loop->place_count : 64;
    if (count > UINT32_MAX / 2 || !net_timers_reserve(&loop->timers, 2 * count))
        return false;
    struct net_connection **places = reallocarray(loop->places, count, sizeof *places);
    if (!places)
        return false;
    loop->places = places;
    uint32_t *free_places = reallocarray(loop->free_places, count, sizeof *free_places);
    if (!free_places)
        return false;
    loop->free_places = free_places;
    memset(places + loop->place_count, 0, (count - loop->place_count) * sizeof(struct net_connection *));
    for (size_t place = count; place > loop->place_count; place--)
        loop->free_places[loop->free_count++] = (uint32_t)(place - 1);
    loop->place_count = count;
    return true;
}

bool net_loop_add(struct net_loop *loop, struct net_connection *connection)
{
    if (loop->free_count == 0 && !grow(loop))
        return false;
    connection->place = loop->free_places[--loop->free_count];
    loop->places[connection->place] = connection;
    return true;
}

void net_loop_remove(struct net_loop *loop, struct net_connection *connection)
{
    loop->places[connection->place] = NULL;
    loop->free_places[loop->free_count++] = connection->place;
}

struct net_connection *net_loop_find(const struct net_loop *loop, const struct net_handle *handle)
{
    if (handle->number == 0 || handle->place >= loop->place_count)
        return NULL;
    struct net_connection *connection = loop->places[handle->place];
    return connection && connection->number == handle->number && !connection->is_over ? connection : NULL;
}

struct net_connection *net_find(const struct net_server *server, const struct net_handle *handle)
{
    return net_loop_find(&server->loops[handle->loop], handle);
}

/* ---- mail ---- */
void net_loop_wake(struct net_loop *loop)
{
    uint64_t one = 1;
    ssize_t written = write(loop->wake, &one, sizeof one);
    (void)written; /* only a counter that is full already gives an error: then it wakes as well */
}

void net_wake(struct net_server *server, int loop)
{
    net_loop_wake(&server->loops[loop]);
}

void net_post(struct net_server *server, struct net_mail *mail)
{
    struct net_loop *loop = &server->loops[mail->to.loop];
    mail->next = NULL;
    pthread_mutex_lock(&loop->mail_lock);
    bool was_empty = loop->mail_first == NULL;
    *loop->mail_last = mail;
    loop->mail_last = &mail->next;
    pthread_mutex_unlock(&loop->mail_lock);
    if (was_empty)
        net_loop_wake(loop);
}

static void handle_mail(struct net_loop *loop)
{
    pthread_mutex_lock(&loop->mail_lock);
    struct net_mail *mail = loop->mail_first;
    loop->mail_first = NULL;
    loop->mail_last = &loop->mail_first;
    pthread_mutex_unlock(&loop->mail_lock);
    while (mail) {
        struct net_mail *next = mail->next; /* the handler frees it */
        mail->handler(loop->server->context, net_loop_find(loop, &mail->to), mail);
        mail = next;
    }
}

/* ---- a round ---- */
static int wait_ms(const struct net_loop *loop)
{
    int64_t due_us = net_timers_due(&loop->timers);
    const struct net_server *server = loop->server;
    if (loop->resumed || loop->dirty || loop->over)
        return 0;
    if (loop->turn_us < due_us)
        due_us = loop->turn_us;
    int64_t arrivals_us = loop->index == 0 ? net_accept_due(server) : INT64_MAX;
    if (arrivals_us < due_us)
        due_us = arrivals_us;
    if (loop->is_draining)
        return DRAIN_STEP_MS;
    int64_t wait_us = due_us == INT64_MAX ? LONGEST_WAIT_MS * 1000 : due_us - clock_monotonic_us();
    if (wait_us <= 0)
        return 0;
    return wait_us >= LONGEST_WAIT_MS * 1000 ? LONGEST_WAIT_MS : (int)((wait_us + 999) / 1000);
}

static void handle_event(struct net_loop *loop, const struct epoll_event *event)
{
    const struct net_server *server = loop->server;
    uint64_t woken;
    if (!event->data.ptr) {
        ssize_t count = read(loop->wake, &woken, sizeof woken);
        (void)count;
        return;
    }
    uintptr_t pointer = (uintptr_t)event->data.ptr;
    if (pointer >= (uintptr_t)server->listeners && pointer < (uintptr_t)(server->listeners + NET_MOST_LISTENERS))
        return; /* net_accept_all looks at all of them */
    net_connection_event(event->data.ptr, event->events);
}

static void run_timers(struct net_loop *loop)
{
    struct net_timer *timer;
    while ((timer = net_timers_next(&loop->timers, loop->now_us))) {
        /* Which of its two timers it is shows in the place within the connection. */
        struct net_connection *guarded =
            (struct net_connection *)(void *)((char *)timer - offsetof(struct net_connection, guard));
        struct net_connection *timed =
            (struct net_connection *)(void *)((char *)timer - offsetof(struct net_connection, timer));
        if (timer->is_guard)
            net_connection_guard_due(guarded);
        else if (!timed->is_over && !timed->is_closing)
            loop->server->protocol.timed_out(loop->server->context, timed);
    }
}

static void deliver_resumed(struct net_loop *loop)
{
    struct net_connection *connection = loop->resumed;
    loop->resumed = NULL;
    while (connection) {
        struct net_connection *next = connection->next_resumed;
        connection->is_resumed = false;
        net_connection_resumed(connection);
        connection = next;
    }
}

static void flush_dirty(struct net_loop *loop)
{
    struct net_connection *connection = loop->dirty;
    loop->dirty = NULL;
    while (connection) {
        struct net_connection *next = connection->next_dirty;
        connection->is_dirty = false;
        net_connection_flush(connection);
        connection = next;
    }
}

static void free_over(struct net_loop *loop)
{
    while (loop->over) {
        struct net_connection *connection = loop->over;
        loop->over = connection->next_over;
        net_connection_free(connection);
    }
}

/* So many have been told as the time that has passed allows. */
static void drain_some(struct net_loop *loop)
{
    int64_t passed_us = loop->now_us - loop->drain_began_us;
    if (!loop->is_draining || loop->drain_place >= loop->drain_places)
        return;
    size_t until = passed_us >= loop->drain_spread_us
                       ? loop->drain_places
                       : (size_t)((double)loop->drain_places * (double)passed_us / (double)loop->drain_spread_us);
    for (; loop->drain_place < until; loop->drain_place++) {
        struct net_connection *connection = loop->places[loop->drain_place];
        if (!connection || connection->is_over || connection->is_closing)
            continue;
        if (connection->is_opened)
            loop->server->protocol.draining(loop->server->context, connection);
        else
            net_connection_end(connection, NET_END_SERVER);
    }
}

static void take_turn(struct net_loop *loop)
{
    const struct net_server *server = loop->server;
    bool has_turns = server->protocol.turned && loop != net_lobby(server);
    int64_t again_ms = has_turns ? server->protocol.turned(server->context, loop->index) : -1;
    loop->turn_us = again_ms < 0 ? INT64_MAX : loop->now_us + again_ms * 1000;
}

static void run_round(struct net_loop *loop)
{
    struct epoll_event events[EVENTS_A_ROUND];
    int count = epoll_wait(loop->epoll, events, EVENTS_A_ROUND, wait_ms(loop));
    loop->now_us = clock_monotonic_us();
    handle_mail(loop);
    for (int i = 0; i < count; i++)
        handle_event(loop, &events[i]);
    if (loop->index == 0)
        net_accept_all(loop->server, loop);
    deliver_resumed(loop);
    run_timers(loop);
    drain_some(loop);
    take_turn(loop);
    flush_dirty(loop);
    free_over(loop);
}

static void end_all(struct net_loop *loop)
{
    for (size_t place = 0; place < loop->place_count; place++)
        if (loop->places[place] && !loop->places[place]->is_over)
            net_connection_end(loop->places[place], NET_END_SERVER);
    free_over(loop);
}

static void *run(void *context)
{
    struct net_loop *loop = context;
    while (!atomic_load(&loop->server->is_stopping))
        run_round(loop);
    end_all(loop);
    return NULL;
}

/* ---- life ---- */
bool net_loop_start(struct net_loop *loop, struct net_server *server, int index, struct err *err)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    char name[16];
    loop->server = server;
    loop->index = index;
    loop->now_us = clock_monotonic_us();
    loop->turn_us = INT64_MAX;
    loop->mail_last = &loop->mail_first;
    pthread_mutex_init(&loop->mail_lock, NULL);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->scratch = malloc(NET_SCRATCH_BYTES);
    if (loop->epoll < 0 || loop->wake < 0 || !loop->scratch ||
        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) != 0)
        return err_set(err, ERR_LIMIT, "no files or memory for a loop of connections");
    int failed = pthread_create(&loop->thread, NULL, run, loop);
    if (failed != 0)
        return err_set(err, ERR_LIMIT, "no thread for a loop of connections: %s", strerror(failed));
    loop->is_started = true;
    snprintf(name, sizeof name, "%.10s-%d", server->config.name, index);
    pthread_setname_np(loop->thread, name);
    return true;
}

void net_loop_join(struct net_loop *loop)
{
    if (!loop->is_started)
        return;
    net_loop_wake(loop);
    pthread_join(loop->thread, NULL);
}

void net_loop_done(struct net_loop *loop)
{
    if (!loop->server)
        return;
    handle_mail(loop);
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake >= 0)
        close(loop->wake);
    pthread_mutex_destroy(&loop->mail_lock);
    net_timers_done(&loop->timers);
    free(loop->places);
    free(loop->free_places);
    free(loop->scratch);
}
