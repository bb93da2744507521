#include "revocations.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"
#include "base/map.h"
#include "base/number.h"
#include "metrics/metrics.h"
#include "nwims/v1/identity.pb-c.h"
#include "rpc/rpc.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Entries live as long as an access token; a nation's administrators do not revoke a million in that time. */
enum { MOST = 1000000, POLL_MS = 1000, ASK_MS = 3000, ARENA_BYTES = 4 * 1024 * 1024, KEY_SIZE = 80 };
static const int64_t reload_after_us = INT64_C(60000000);

struct entry {
    int32_t epoch;
    int64_t ends_at;
};

struct revocations {
    struct bus *bus;
    void (*on_news)(void *context);
    void *context;
    struct bus_subscription *bell;
    pthread_t thread;
    pthread_rwlock_t lock; /* guards the map */
    struct map *entries;
    pthread_mutex_t waiting; /* guards the three below */
    pthread_cond_t woken;
    bool must_stop, must_ask, must_reload;
    atomic_bool are_known;
    int64_t last_id, reloaded_at_us; /* the thread's own */
    bool was_well;
    struct metric *count;
};

/* ---- the table --------------------------------------------------------------------------------------------------- */
static size_t make_key(char key[KEY_SIZE], const char *kind, const char *subject)
{
    size_t kind_length = strlen(kind), length = kind_length + 1 + strlen(subject);
    if (length >= KEY_SIZE)
        return 0;
    memcpy(key, kind, kind_length);
    key[kind_length] = ':';
    memcpy(key + kind_length + 1, subject, length - kind_length - 1);
    return length;
}

static bool is_below(const struct map *entries, const char *kind, const char *subject, int32_t epoch)
{
    char key[KEY_SIZE];
    size_t length = make_key(key, kind, subject);
    const struct entry *entry = length > 0 ? map_get(entries, key, length) : NULL;
    return entry && epoch < entry->epoch;
}

bool revocations_forbid(struct revocations *revocations, const struct access_claims *claims)
{
    char tenant[NUMBER_TEXT_SIZE];
    number_format_int(tenant, claims->tenant_id);
    pthread_rwlock_rdlock(&revocations->lock);
    const struct map *entries = revocations->entries;
    bool is_forbidden = map_count(entries) > 0 && (is_below(entries, "user", claims->subject, claims->subject_epoch) ||
                                                      is_below(entries, "tenant", tenant, claims->tenant_epoch) ||
                                                      is_below(entries, "session", claims->session_id, 0));
    pthread_rwlock_unlock(&revocations->lock);
    return is_forbidden;
}

bool revocations_are_known(struct revocations *revocations)
{
    return atomic_load(&revocations->are_known);
}

/* A session has no epochs: its only one is above that of every token. */
static bool put(struct map *entries, const Nwims__V1__Revocation *revocation)
{
    char key[KEY_SIZE];
    size_t length =
        make_key(key, revocation->kind ? revocation->kind : "", revocation->subject ? revocation->subject : "");
    bool is_session = revocation->kind && strcmp(revocation->kind, "session") == 0;
    int32_t epoch = is_session ? 1 : revocation->epoch;
    struct entry *known = length > 0 ? map_get(entries, key, length) : NULL;
    if (known) {
        known->epoch = epoch > known->epoch ? epoch : known->epoch;
        known->ends_at = revocation->ends_at > known->ends_at ? revocation->ends_at : known->ends_at;
        return true;
    }
    struct entry *entry = length > 0 ? malloc(sizeof *entry) : NULL;
    if (!entry)
        return false;
    *entry = (struct entry){ .epoch = epoch, .ends_at = revocation->ends_at };
    if (map_put(entries, key, length, entry, NULL))
        return true;
    free(entry);
    return false;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */
static bool ask_page(struct revocations *revocations, int64_t after_id, struct arena *arena,
    const Nwims__V1__ListRevocationsReply **out_page, struct err *err)
{
    struct rpc_caller caller = { .actor = "service:gateway" };
    Nwims__V1__ListRevocationsRequest request = NWIMS__V1__LIST_REVOCATIONS_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    request.has_after_id = true;
    request.after_id = after_id;
    trace_begin(&caller.trace, NULL);
    if (!rpc_call(revocations->bus, &nwims__v1__identity__descriptor, "ListRevocations", &caller, &request.base, ASK_MS,
            arena, &reply, NULL, err))
        return false;
    *out_page = (const Nwims__V1__ListRevocationsReply *)reply;
    return true;
}

static bool take_page(struct revocations *revocations, struct map *entries, const Nwims__V1__ListRevocationsReply *page,
    int64_t *last_id, struct err *err)
{
    bool ok = true;
    pthread_rwlock_wrlock(&revocations->lock);
    for (size_t i = 0; i < page->n_items; i++) {
        ok = put(entries, page->items[i]) && ok;
        *last_id = page->items[i]->id;
    }
    metric_set(revocations->count, (double)map_count(entries));
    pthread_rwlock_unlock(&revocations->lock);
    return ok || err_set(err, ERR_LIMIT, "more than %d revocations at once", MOST);
}

static bool ask_all(struct revocations *revocations, struct map *entries, int64_t *last_id, struct err *err)
{
    struct arena arena;
    bool ok = true, has_more = true;
    arena_init(&arena, ARENA_BYTES);
    while (ok && has_more) {
        const Nwims__V1__ListRevocationsReply *page = NULL;
        arena_reset(&arena);
        ok = ask_page(revocations, *last_id, &arena, &page, err) && take_page(revocations, entries, page, last_id, err);
        has_more = ok && page->has_more;
    }
    arena_done(&arena);
    return ok;
}

/* All that still matters into a new map: what is over is gone then, and a table that began anew is no trouble. */
static bool reload(struct revocations *revocations, struct err *err)
{
    struct map *entries = map_new(MOST);
    int64_t last_id = 0;
    if (!entries)
        return err_set(err, ERR_LIMIT, "no memory for the revocations");
    if (!ask_all(revocations, entries, &last_id, err)) {
        map_free(entries, free);
        return false;
    }
    pthread_rwlock_wrlock(&revocations->lock);
    struct map *old = revocations->entries;
    revocations->entries = entries;
    pthread_rwlock_unlock(&revocations->lock);
    map_free(old, free);
    bool has_news = last_id != revocations->last_id;
    revocations->last_id = last_id;
    revocations->reloaded_at_us = clock_monotonic_us();
    atomic_store(&revocations->are_known, true);
    if (has_news)
        revocations->on_news(revocations->context);
    return true;
}

static bool ask_for_news(struct revocations *revocations, struct err *err)
{
    int64_t before = revocations->last_id;
    if (!ask_all(revocations, revocations->entries, &revocations->last_id, err))
        return false;
    if (revocations->last_id != before)
        revocations->on_news(revocations->context);
    return true;
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */
/* False when told to stop. */
static bool wait_a_while(struct revocations *revocations, bool *out_must_reload)
{
    int64_t end_us = clock_end_us(POLL_MS);
    pthread_mutex_lock(&revocations->waiting);
    while (!revocations->must_stop && !revocations->must_ask && !revocations->must_reload &&
           condition_wait_until(&revocations->woken, &revocations->waiting, end_us))
        ;
    *out_must_reload = revocations->must_reload;
    revocations->must_ask = revocations->must_reload = false;
    bool goes_on = !revocations->must_stop;
    pthread_mutex_unlock(&revocations->waiting);
    return goes_on;
}

/* A fault is logged when it begins and when it is over; what is known goes on counting. */
static void note(struct revocations *revocations, bool ok, const struct err *err)
{
    if (!ok && revocations->was_well)
        log_warn(NULL, "revocations.unknown", LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
    if (ok && !revocations->was_well)
        log_info(NULL, "revocations.known");
    revocations->was_well = ok;
}

static void *run(void *argument)
{
    struct revocations *revocations = argument;
    bool must_reload = true;
    do {
        struct err err = { 0 };
        bool is_due = !atomic_load(&revocations->are_known) ||
                      clock_monotonic_us() - revocations->reloaded_at_us > reload_after_us;
        note(revocations, must_reload || is_due ? reload(revocations, &err) : ask_for_news(revocations, &err), &err);
    } while (wait_a_while(revocations, &must_reload));
    return NULL;
}

static void wake(struct revocations *revocations, bool *flag)
{
    pthread_mutex_lock(&revocations->waiting);
    *flag = true;
    pthread_cond_signal(&revocations->woken);
    pthread_mutex_unlock(&revocations->waiting);
}

static void on_bell_take(void *context, struct bus_message *message)
{
    struct revocations *revocations = context;
    bus_message_close(message);
    wake(revocations, &revocations->must_ask);
}

static void on_reconnect(void *context)
{
    struct revocations *revocations = context;
    wake(revocations, &revocations->must_reload);
}

static void init_waiting(struct revocations *revocations)
{
    pthread_rwlock_init(&revocations->lock, NULL);
    pthread_mutex_init(&revocations->waiting, NULL);
    condition_init(&revocations->woken);
}

bool revocations_open(struct revocations **out_revocations, struct bus *bus, void (*on_news)(void *context),
    void *context, struct err *err)
{
    struct revocations *revocations = calloc(1, sizeof *revocations);
    if (!revocations)
        return err_set(err, ERR_LIMIT, "no memory for the revocations");
    *revocations = (struct revocations){
        .bus = bus, .on_news = on_news, .context = context, .entries = map_new(MOST), .was_well = true
    };
    init_waiting(revocations);
    revocations->count =
        metrics_gauge("nwims_gateway_revocations", NULL, "Users, tenants and sessions whose tokens ended early");
    if (!revocations->entries || pthread_create(&revocations->thread, NULL, run, revocations) != 0) {
        map_free(revocations->entries, free);
        free(revocations);
        return err_set(err, ERR_LIMIT, "no memory or thread for the revocations");
    }
    *out_revocations = revocations;
    return bus_on_reconnect(bus, on_reconnect, revocations, err) &&
           bus_subscribe(&revocations->bell, bus, "events.*.revocation", NULL, on_bell_take, revocations, err);
}

void revocations_close(struct revocations *revocations)
{
    if (!revocations)
        return;
    bus_subscription_close(revocations->bell);
    wake(revocations, &revocations->must_stop);
    pthread_join(revocations->thread, NULL);
    map_free(revocations->entries, free);
    pthread_cond_destroy(&revocations->woken);
    pthread_mutex_destroy(&revocations->waiting);
    pthread_rwlock_destroy(&revocations->lock);
    free(revocations);
}
