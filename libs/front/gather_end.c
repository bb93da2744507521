#include "front/gather_end.h"
#include "base/clock.h"
#include <stdatomic.h>

enum { LOOK_MS = 5 };

struct detach {
    struct net_mail mail;
    struct gather **gather;
    atomic_bool is_done;
};

void gather_end_wait(struct metric *held, int64_t wait_ms)
{
    int64_t end_us = clock_monotonic_us() + wait_ms * 1000;
    while (metric_value(held) > 0 && clock_monotonic_us() < end_us)
        clock_sleep_ms(LOOK_MS);
}

static void on_detach(void *context, struct net_connection *none, struct net_mail *mail)
{
    struct detach *detach = (struct detach *)(void *)mail;
    (void)context, (void)none;
    gather_close(TAKE(*detach->gather));
    atomic_store(&detach->is_done, true);
}

void gather_end(struct net_server *server, int loop, struct gather **gather)
{
    struct detach detach = { .mail = { .to = { .loop = (uint32_t)loop }, .handler = on_detach }, .gather = gather };
    net_post(server, &detach.mail);
    while (!atomic_load(&detach.is_done))
        clock_sleep_ms(LOOK_MS);
}
