/* Several processes that cache together, as several caches in one process, on a real bus and a real Redis: nobody who
 * asks after a write was answered gets what was there before, whatever happens to Redis; nobody fails, and all mends
 * itself. */
#include "base/clock.h"
#include "cache/cache.h"
#include "tests/support/test_process.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GATEWAYS = 3, TENANT = 7, LONG_S = 30 };

static struct test_nats nats;
static int redis_port;
static pid_t redis_pid;
static const char *redis_folder;
static struct bus *buses[GATEWAYS];
static struct cache *caches[GATEWAYS];
/* The thing that the owner keeps: its version, and how often it was asked. */
static atomic_int owner_version, owner_asked;

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s", err_kind_name(err->kind), err->text);
}

static void start_redis(void)
{
    char port[16];
    snprintf(port, sizeof port, "%d", redis_port);
    const char *argv[] = { "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--enable-debug-command", "yes", "--maxmemory-policy", "noeviction", NULL };
    redis_pid = test_process_start(redis_folder, "redis", argv);
    test_wait_for_port(redis_port);
}

static void open_cache(int at)
{
    struct err err = { 0 };
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", redis_port);
    must(bus_open(&buses[at], &(struct bus_config){ .url = nats.url, .name = "cache-test" }, &err), &err);
    must(cache_open(&caches[at],
             &(struct cache_config){ .bus = buses[at],
                 .service = "test",
                 .redis = { .address = address, .user = "", .password = "", .time_ms = 20, .connections = 4 },
                 .memory_bytes = 1 << 20 },
             &err),
        &err);
}

static void close_cache(int at)
{
    cache_close(caches[at]);
    bus_close(buses[at]);
    caches[at] = NULL;
    buses[at] = NULL;
}

static bool all_are_ready(bool with_redis)
{
    for (int i = 0; i < GATEWAYS; i++) {
        struct cache_statistics statistics;
        cache_statistics_get(caches[i], &statistics);
        if (!statistics.has_lease || statistics.members != GATEWAYS || (with_redis && !statistics.redis_is_trusted))
            return false;
    }
    return true;
}

static void wait_until_ready(bool with_redis)
{
    int64_t end_us = clock_monotonic_us() + LONG_S * INT64_C(1000000);
    while (!all_are_ready(with_redis) && clock_monotonic_us() < end_us)
        clock_sleep_ms(10);
    assert_true(all_are_ready(with_redis));
}

static int open_all(void **state)
{
    (void)state;
    test_nats_start(&nats);
    redis_port = test_free_port();
    redis_folder = test_folder_new();
    start_redis();
    for (int i = 0; i < GATEWAYS; i++)
        open_cache(i);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i < GATEWAYS; i++)
        close_cache(i);
    return 0;
}

/* ---- what a gateway does ---- */

struct got {
    int version;
    enum cache_outcome outcome;
};

static struct got get(int at, const char *path, int64_t owner_ms)
{
    static const struct got late = { -1, CACHE_LATE };
    struct cache_lookup lookup;
    const struct cache_question question = { .tenant_id = TENANT, .scope = "", .path = path };
    int64_t now_us = clock_monotonic_us();
    struct got got = { .outcome = cache_find(caches[at], &lookup, CACHE_ENTITY, &question,
                           cache_kinds_read(path, CACHE_ENTITY), now_us, now_us + LONG_S * INT64_C(1000000)) };
    if (got.outcome == CACHE_HIT) {
        char text[16];
        size_t size = lookup.entry->body_size;
        assert_true(size < sizeof text);
        memcpy(text, cache_entry_body(lookup.entry), size);
        text[size] = '\0';
        got.version = (int)strtol(text, NULL, 10);
    } else if (got.outcome == CACHE_LATE) {
        return late;
    } else {
        char text[16], etag[CACHE_ETAG_SIZE];
        got.version = atomic_load(&owner_version);
        atomic_fetch_add(&owner_asked, 1);
        if (owner_ms > 0)
            clock_sleep_ms(owner_ms);
        snprintf(text, sizeof text, "%d", got.version);
        cache_etag_make(etag, 0, text, strlen(text));
        if (got.outcome == CACHE_LEAD)
            cache_fill(caches[at], &lookup, etag, text, strlen(text));
    }
    cache_lookup_done(caches[at], &lookup);
    return got;
}

static int put(int at)
{
    int version = atomic_fetch_add(&owner_version, 1) + 1;
    assert_true(cache_bump(caches[at], TENANT, cache_kind_bit(CACHE_KIND_SENSOR)));
    return version;
}

static uint64_t count_of(int at, enum cache_result result)
{
    struct cache_statistics statistics;
    cache_statistics_get(caches[at], &statistics);
    return statistics.results[CACHE_ENTITY][result];
}

/* Reads until the answer comes from where it is wanted from. */
static void read_until(int at, const char *path, enum cache_result result)
{
    int64_t end_us = clock_monotonic_us() + LONG_S * INT64_C(1000000);
    uint64_t before = count_of(at, result);
    while (count_of(at, result) == before && clock_monotonic_us() < end_us) {
        get(at, path, 0);
        clock_sleep_ms(1);
    }
    assert_true(count_of(at, result) > before);
}

/* ---- the tests ---- */

static void what_one_asked_for_the_others_find_in_redis(void **state)
{
    (void)state;
    wait_until_ready(true);
    read_until(0, "/sensors/shared", CACHE_FROM_MEMORY);
    struct cache_statistics statistics = { 0 };
    for (int i = 0; i < 3000 && statistics.redis_stored == 0; i++) {
        clock_sleep_ms(10);
        cache_statistics_get(caches[0], &statistics);
    }
    assert_true(statistics.redis_stored > 0);
    int asked = atomic_load(&owner_asked);
    assert_int_equal(get(1, "/sensors/shared", 0).outcome, CACHE_HIT);
    assert_int_equal(get(2, "/sensors/shared", 0).outcome, CACHE_HIT);
    assert_int_equal(atomic_load(&owner_asked), asked);
}

static void a_write_at_one_is_seen_at_all(void **state)
{
    (void)state;
    wait_until_ready(true);
    for (int i = 0; i < 200; i++) {
        for (int at = 0; at < GATEWAYS; at++)
            get(at, "/sensors/S1", 0);
        int version = put(i % GATEWAYS);
        for (int at = 0; at < GATEWAYS; at++)
            assert_true(get(at, "/sensors/S1", 0).version >= version);
    }
}

struct crowd {
    atomic_bool must_stop;
    atomic_int answered_version; /* of the last write that was answered */
    atomic_int stale, reads;
};

/* Whoever asks after a write was answered must not get what was there before it. */
static void *read_on(void *argument)
{
    struct crowd *crowd = argument;
    char path[32];
    for (unsigned i = 0; !atomic_load(&crowd->must_stop); i++) {
        int least = atomic_load(&crowd->answered_version);
        snprintf(path, sizeof path, "/sensors/S%u", i % 5);
        if (get((int)(i % GATEWAYS), path, i % 7 == 0).version < least)
            atomic_fetch_add(&crowd->stale, 1);
        atomic_fetch_add(&crowd->reads, 1);
    }
    return NULL;
}

static void write_for_ms(struct crowd *crowd, int64_t ms)
{
    int64_t end_us = clock_monotonic_us() + ms * 1000;
    for (int i = 0; clock_monotonic_us() < end_us; i++) {
        atomic_store(&crowd->answered_version, put(i % GATEWAYS));
        clock_sleep_ms(i % 3);
    }
}

/* Writes and reads go on while `disturb` does what it does. */
static void nobody_reads_what_is_old(void (*disturb)(struct crowd *crowd))
{
    enum { READERS = 6 };
    struct crowd crowd = { 0 };
    pthread_t readers[READERS];
    wait_until_ready(true);
    atomic_store(&crowd.answered_version, put(0));
    for (size_t i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_on, &crowd);
    disturb(&crowd);
    atomic_store(&crowd.must_stop, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_true(atomic_load(&crowd.reads) > 100);
    assert_int_equal(atomic_load(&crowd.stale), 0);
}

static void quiet(struct crowd *crowd)
{
    write_for_ms(crowd, 2000);
}

static void many_read_while_many_write(void **state)
{
    (void)state;
    nobody_reads_what_is_old(quiet);
}

static void freeze(struct crowd *crowd)
{
    write_for_ms(crowd, 300);
    kill(redis_pid, SIGSTOP);
    write_for_ms(crowd, 1500);
    kill(redis_pid, SIGCONT); /* it holds what was true before */
    write_for_ms(crowd, 2000);
}

static void redis_that_freezes_and_comes_back_gives_nothing_old(void **state)
{
    (void)state;
    nobody_reads_what_is_old(freeze);
    wait_until_ready(true);
    read_until(0, "/sensors/after-freeze", CACHE_FROM_MEMORY);
}

static void restart(struct crowd *crowd)
{
    write_for_ms(crowd, 300);
    test_process_end(redis_pid, SIGKILL);
    write_for_ms(crowd, 800);
    start_redis();
    write_for_ms(crowd, 1500);
}

static void redis_that_dies_and_is_started_again_gives_nothing_old(void **state)
{
    (void)state;
    nobody_reads_what_is_old(restart);
    wait_until_ready(true);
}

static void redis_cli(const char *words)
{
    char command[256];
    snprintf(command, sizeof command, "redis-cli -p %d %s >/dev/null 2>&1", redis_port, words);
    assert_int_equal(system(command), 0);
}

static void fill_up(struct crowd *crowd)
{
    redis_cli("CONFIG SET maxmemory 1");
    write_for_ms(crowd, 1500);
    redis_cli("CONFIG SET maxmemory 0");
    write_for_ms(crowd, 500);
}

static void redis_that_is_full_harms_nobody(void **state)
{
    (void)state;
    nobody_reads_what_is_old(fill_up);
    wait_until_ready(true);
}

static void come_and_go(struct crowd *crowd)
{
    write_for_ms(crowd, 300);
    struct bus *bus = NULL;
    struct cache *fourth = NULL;
    struct err err = { 0 };
    must(bus_open(&bus, &(struct bus_config){ .url = nats.url, .name = "fourth" }, &err), &err);
    must(cache_open(&fourth,
             &(struct cache_config){ .bus = bus,
                 .service = "test",
                 .redis = { .address = "", .user = "", .password = "", .time_ms = 20 },
                 .memory_bytes = 1 << 20 },
             &err),
        &err);
    write_for_ms(crowd, 1000);
    for (int i = 0; i < 100; i++) { /* it has no Redis itself, the others believe in theirs */
        int version = atomic_fetch_add(&owner_version, 1) + 1;
        assert_true(cache_bump(fourth, TENANT, cache_kind_bit(CACHE_KIND_SENSOR)));
        atomic_store(&crowd->answered_version, version);
    }
    cache_close(fourth);
    bus_close(bus);
    write_for_ms(crowd, 500);
}

static void members_come_and_go(void **state)
{
    (void)state;
    nobody_reads_what_is_old(come_and_go);
}

static void an_event_of_the_owner_is_enough(void **state)
{
    struct err err = { 0 };
    (void)state;
    wait_until_ready(true);
    for (int at = 0; at < GATEWAYS; at++)
        read_until(at, "/sensors/by-event", CACHE_FROM_MEMORY);
    int version = atomic_fetch_add(&owner_version, 1) + 1;
    const struct bus_outgoing event = { .subject = "events.7.sensor", .data = "", .size = 0 };
    must(bus_publish_plain(buses[0], &event, &err), &err);
    int64_t end_us = clock_monotonic_us() + 1000000;
    for (int at = 0; at < GATEWAYS; at++) {
        while (get(at, "/sensors/by-event", 0).version < version && clock_monotonic_us() < end_us)
            clock_sleep_ms(2);
        assert_true(get(at, "/sensors/by-event", 0).version >= version);
    }
}

/* One trip that takes too long does not count as Redis being away, so nothing comes back after it. */
static void a_number_made_up_in_a_bad_moment_is_given_up_for_the_shared_one(void **state)
{
    enum { OTHER_TENANT = 4711 };
    struct cache_stamp stamp;
    unsigned kinds = cache_kinds_read("/zones", CACHE_LIST);
    (void)state;
    wait_until_ready(true);
    kill(redis_pid, SIGSTOP);
    bool is_shared = cache_stamp_now(caches[0], OTHER_TENANT, kinds, &stamp);
    kill(redis_pid, SIGCONT);
    assert_false(is_shared);
    int64_t end_us = clock_monotonic_us() + LONG_S * INT64_C(1000000);
    while (!is_shared && clock_monotonic_us() < end_us) {
        clock_sleep_ms(10);
        is_shared = cache_stamp_now(caches[0], OTHER_TENANT, kinds, &stamp);
    }
    assert_true(is_shared);
}

static void *ask_slowly(void *argument)
{
    struct got *got = argument;
    *got = get(0, "/sensors/slow", 200);
    return NULL;
}

static void one_miss_asks_the_owner_once(void **state)
{
    enum { WAITERS = 32 };
    pthread_t threads[WAITERS];
    struct got got[WAITERS];
    (void)state;
    wait_until_ready(true);
    read_until(0, "/sensors/warm-up", CACHE_FROM_MEMORY);
    int asked = atomic_load(&owner_asked);
    for (size_t i = 0; i < WAITERS; i++)
        pthread_create(&threads[i], NULL, ask_slowly, &got[i]);
    for (size_t i = 0; i < WAITERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&owner_asked), asked + 1);
    for (size_t i = 0; i < WAITERS; i++)
        assert_int_equal(got[i].version, atomic_load(&owner_version));
}

static void a_slow_redis_delays_nobody_for_long(void **state)
{
    char path[32];
    int64_t longest_us = 0, began_us;
    (void)state;
    wait_until_ready(true);
    kill(redis_pid, SIGSTOP);
    for (int i = 0; i < 50; i++) {
        snprintf(path, sizeof path, "/sensors/slow-%d", i);
        began_us = clock_monotonic_us();
        get(0, path, 0);
        int64_t took_us = clock_monotonic_us() - began_us;
        longest_us = took_us > longest_us ? took_us : longest_us;
    }
    began_us = clock_monotonic_us();
    get(0, "/sensors/slow-now-left-alone", 0);
    int64_t left_alone_us = clock_monotonic_us() - began_us;
    kill(redis_pid, SIGCONT);
    assert_true(longest_us < 150000); /* two trips of 20 ms, on a busy machine */
    assert_true(left_alone_us < 20000);
    wait_until_ready(true);
}

static void policies_reach_everybody_and_whoever_comes_later(void **state)
{
    struct cache_policies policies, seen = { 0 };
    struct err err = { 0 };
    (void)state;
    cache_policies_get(caches[0], &policies);
    policies.of[CACHE_LIST] = (struct cache_policy){ 4321, 1234 };
    must(cache_policies_set(caches[0], &policies, &err), &err);
    close_cache(2);
    open_cache(2);
    for (int at = 1; at < GATEWAYS; at++) {
        for (int i = 0; i < 3000 && seen.version != policies.version; i++) {
            clock_sleep_ms(10);
            cache_policies_get(caches[at], &seen);
        }
        assert_int_equal(seen.of[CACHE_LIST].keep_ms, 4321);
        assert_int_equal(seen.of[CACHE_LIST].memory_ms, 1234);
        seen.version = 0;
    }
    policies.of[CACHE_LIST] = (struct cache_policy){ 1, 2 };
    assert_false(cache_policies_set(caches[0], &policies, &err));
    assert_int_equal(err.kind, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_asked_for_the_others_find_in_redis),
        cmocka_unit_test(a_write_at_one_is_seen_at_all),
        cmocka_unit_test(many_read_while_many_write),
        cmocka_unit_test(redis_that_freezes_and_comes_back_gives_nothing_old),
        cmocka_unit_test(redis_that_dies_and_is_started_again_gives_nothing_old),
        cmocka_unit_test(redis_that_is_full_harms_nobody),
        cmocka_unit_test(members_come_and_go),
        cmocka_unit_test(an_event_of_the_owner_is_enough),
        cmocka_unit_test(a_number_made_up_in_a_bad_moment_is_given_up_for_the_shared_one),
        cmocka_unit_test(one_miss_asks_the_owner_once),
        cmocka_unit_test(a_slow_redis_delays_nobody_for_long),
        cmocka_unit_test(policies_reach_everybody_and_whoever_comes_later),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
