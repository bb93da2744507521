/* Signals, failures and the end: one thread reads the signals, so that they work while anything else waits. */
#include "base/clock.h"
#include "base/condition.h"
#include "service/service_internal.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_AT_ONCE = 1 };

static void wake(struct lifetime *lifetime)
{
    const uint64_t one = 1;
    while (write(lifetime->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

__attribute__((noreturn)) static void exit_at_once(const char *why)
{
    log_warn(NULL, "service.stopped_at_once", LOG_TEXT("why", why));
    _exit(EXIT_AT_ONCE);
}

static void switch_level(struct lifetime *lifetime, bool *is_debug)
{
    *is_debug = !*is_debug;
    log_set_level(*is_debug ? LOG_DEBUG : lifetime->level);
    log_info(NULL, "log.level", LOG_BOOL("is_debug", *is_debug));
}

static void want_stop(struct lifetime *lifetime)
{
    pthread_mutex_lock(&lifetime->lock);
    bool is_second = lifetime->stop_wanted;
    lifetime->stop_wanted = true;
    lifetime->exit_by_us = clock_monotonic_us() + (lifetime->drain_delay_ms + lifetime->drain_ms) * 1000;
    pthread_cond_broadcast(&lifetime->changed);
    pthread_mutex_unlock(&lifetime->lock);
    if (is_second)
        exit_at_once("a second signal");
    log_info(NULL, "service.stopping", LOG_MS("delay_ms", lifetime->drain_delay_ms));
}

/* How long until the process must be gone; -1: no end is set. */
static int time_left(struct lifetime *lifetime, bool *out_is_over)
{
    pthread_mutex_lock(&lifetime->lock);
    int64_t exit_by_us = lifetime->exit_by_us;
    *out_is_over = lifetime->is_over;
    pthread_mutex_unlock(&lifetime->lock);
    if (exit_by_us == 0)
        return -1;
    int64_t left_ms = (exit_by_us - clock_monotonic_us()) / 1000;
    return left_ms < 0 ? 0 : left_ms < INT_MAX ? (int)left_ms + 1 : INT_MAX;
}

static void *read_signals(void *argument)
{
    struct lifetime *lifetime = argument;
    struct pollfd fds[] = { { .fd = lifetime->signal_fd, .events = POLLIN },
        { .fd = lifetime->wake_fd, .events = POLLIN } };
    bool is_debug = lifetime->level == LOG_DEBUG, is_over;
    for (;;) {
        struct signalfd_siginfo info;
        uint64_t count;
        int left_ms = time_left(lifetime, &is_over);
        if (is_over)
            return NULL;
        int ready = poll(fds, 2, left_ms);
        if (ready == 0 && left_ms == 0)
            exit_at_once("finishing took longer than DRAIN_MS");
        if (ready <= 0)
            continue;
        if ((fds[1].revents & POLLIN) && read(lifetime->wake_fd, &count, sizeof count) < 0)
            continue;
        if (!(fds[0].revents & POLLIN) || read(lifetime->signal_fd, &info, sizeof info) != sizeof info)
            continue;
        if (info.ssi_signo == SIGUSR1)
            switch_level(lifetime, &is_debug);
        else
            want_stop(lifetime);
    }
}

static bool start_thread(struct lifetime *lifetime, struct err *err)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SERVICE_STACK_BYTES);
    lifetime->has_thread = pthread_create(&lifetime->thread, &attributes, read_signals, lifetime) == 0;
    pthread_attr_destroy(&attributes);
    return lifetime->has_thread || err_set(err, ERR_LIMIT, "no thread for signals");
}

void lifetime_init(struct lifetime *lifetime)
{
    *lifetime = (struct lifetime){ .signal_fd = -1, .wake_fd = -1, .level = LOG_INFO };
    pthread_mutex_init(&lifetime->lock, NULL);
    condition_init(&lifetime->changed);
}

bool lifetime_begin(struct lifetime *lifetime, const struct service_config *config, struct err *err)
{
    sigset_t wanted;
    lifetime->drain_delay_ms = config->drain_delay_ms;
    lifetime->drain_ms = config->drain_ms;
    if (!log_level_parse(config->log_level, &lifetime->level))
        return err_set(err, ERR_BUG, "the log level was not checked");
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    lifetime->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC);
    lifetime->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (lifetime->signal_fd < 0 || lifetime->wake_fd < 0)
        return err_set(err, ERR_LIMIT, "signals: %s", strerror(errno));
    return start_thread(lifetime, err);
}

void lifetime_done(struct lifetime *lifetime)
{
    if (lifetime->has_thread) {
        pthread_mutex_lock(&lifetime->lock);
        lifetime->is_over = true;
        pthread_mutex_unlock(&lifetime->lock);
        wake(lifetime);
        pthread_join(lifetime->thread, NULL);
    }
    if (lifetime->signal_fd >= 0)
        close(lifetime->signal_fd);
    if (lifetime->wake_fd >= 0)
        close(lifetime->wake_fd);
    pthread_cond_destroy(&lifetime->changed);
    pthread_mutex_destroy(&lifetime->lock);
}

static void wait_while(struct lifetime *lifetime, int64_t wait_ms, bool heeds_signals)
{
    int64_t end_us = clock_end_us(wait_ms < 0 ? INT64_MAX : wait_ms);
    bool in_time = true;
    while (in_time && lifetime->failure.kind == ERR_NONE && !(heeds_signals && lifetime->stop_wanted))
        in_time = condition_wait_until(&lifetime->changed, &lifetime->lock, end_us);
}

bool lifetime_wait(struct lifetime *lifetime, int64_t wait_ms)
{
    pthread_mutex_lock(&lifetime->lock);
    wait_while(lifetime, wait_ms, true);
    bool goes_on = lifetime->failure.kind == ERR_NONE && !lifetime->stop_wanted;
    pthread_mutex_unlock(&lifetime->lock);
    return goes_on;
}

void lifetime_wait_for_failure(struct lifetime *lifetime, int64_t wait_ms)
{
    pthread_mutex_lock(&lifetime->lock);
    wait_while(lifetime, wait_ms, false);
    pthread_mutex_unlock(&lifetime->lock);
}

void lifetime_fail(struct lifetime *lifetime, const struct err *err)
{
    pthread_mutex_lock(&lifetime->lock);
    if (lifetime->failure.kind == ERR_NONE)
        lifetime->failure = *err;
    if (lifetime->failure.kind == ERR_NONE) /* who failed and does not know why has a bug */
        lifetime->failure.kind = ERR_BUG;
    pthread_cond_broadcast(&lifetime->changed);
    pthread_mutex_unlock(&lifetime->lock);
}

bool lifetime_verdict(struct lifetime *lifetime, struct err *err)
{
    pthread_mutex_lock(&lifetime->lock);
    bool ok = lifetime->failure.kind == ERR_NONE;
    if (!ok)
        *err = lifetime->failure;
    lifetime->exit_by_us = clock_monotonic_us() + lifetime->drain_ms * 1000;
    pthread_mutex_unlock(&lifetime->lock);
    wake(lifetime);
    return ok;
}
