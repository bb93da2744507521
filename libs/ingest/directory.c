#include "base/clock.h"
#include "base/text.h"
#include "base/uuid.h"
#include "ingest/directory_internal.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The bus cannot be asked to forget a callback, so this one touches nothing that a directory owns. */
static atomic_uint_fast64_t reconnects;
/* Nobody can take a callback off a bus: this outlives the directory that is told through it. */
static pthread_mutex_t listening_lock = PTHREAD_MUTEX_INITIALIZER;
static struct directory *listening;

static void on_reconnect(void *context)
{
    (void)context;
    atomic_fetch_add(&reconnects, 1);
}

static struct directory_key key_of(enum key_kind kind, int32_t tenant_id, const void *name, size_t length)
{
    struct directory_key key = { .bytes = { (unsigned char)kind } };
    if (length == 0 || length > DIRECTORY_NAME_LONGEST || memchr(name, '\0', length))
        return key;
    memcpy(key.bytes + 1, &tenant_id, sizeof tenant_id);
    memcpy(key.bytes + 1 + sizeof tenant_id, name, length);
    key.size = 1 + sizeof tenant_id + length;
    return key;
}

/* Ids are written in lower case in events, whatever the reading had. */
struct directory_key directory_key_of_sensor(int32_t tenant_id, const char *name, size_t length)
{
    struct uuid uuid;
    char id[UUID_TEXT_SIZE];
    if (length != UUID_TEXT_SIZE - 1 || !uuid_parse(name, length, &uuid))
        return key_of(KEY_SENSOR, tenant_id, name, length);
    uuid_format(id, &uuid);
    return key_of(KEY_SENSOR, tenant_id, id, length);
}

struct directory_key directory_key_of_places(int32_t tenant_id)
{
    return key_of(KEY_PLACES, tenant_id, "*", 1);
}

struct directory_key directory_key_of_tenant(int32_t tenant_id)
{
    return key_of(KEY_TENANT, tenant_id, "*", 1);
}

struct directory_key directory_key_of_id(enum key_kind kind, const char *id)
{
    return key_of(kind, 0, id, strlen(id));
}

struct directory_key directory_key_of_verifier(const unsigned char verifier[DIRECTORY_VERIFIER_SIZE])
{
    char hex[2 * DIRECTORY_VERIFIER_SIZE + 1];
    text_hex(hex, verifier, DIRECTORY_VERIFIER_SIZE);
    return directory_key_of_id(KEY_CREDENTIAL, hex);
}

/* ---- locks ---- */

void directory_flush(struct directory *directory)
{
    change_marks_note_all(&directory->marks);
    directory_table_clear(directory->sensors);
    directory_table_clear(directory->credentials);
    directory_table_clear(directory->profiles);
    metric_add(directory->flushes, 1);
}

bool directory_has_changed(const struct directory *directory, const struct directory_key *key, uint64_t position)
{
    return change_marks_has_since(&directory->marks, key->bytes, key->size, position);
}

/* Events may have been missed while the bus was away. */
static void flush_after_reconnect(struct directory *directory)
{
    uint64_t now = atomic_load(&reconnects);
    if (directory->reconnects_seen == now)
        return;
    directory->reconnects_seen = now;
    directory_flush(directory);
}

struct lane *directory_lane_enter(struct directory *directory, const struct directory_key *key)
{
    struct lane *lane = &directory->lanes[text_hash(key->bytes, key->size) % DIRECTORY_LANES];
    pthread_mutex_lock(&lane->lock);
    return lane;
}

bool directory_lane_may_ask(const struct lane *lane, int64_t began_us, struct err *err)
{
    if (lane->failed_at_us > began_us)
        return err_set(err, ERR_TRANSIENT, "the registry does not answer");
    return true;
}

void directory_lane_leave(struct lane *lane, bool has_failed)
{
    if (has_failed)
        lane->failed_at_us = clock_monotonic_us();
    pthread_mutex_unlock(&lane->lock);
}

int64_t directory_expiry(const struct directory *directory, bool is_present)
{
    return clock_monotonic_us() + (is_present ? directory->config.keep_ms : directory->config.absent_ms) * 1000;
}

void directory_lock_shared(struct directory *directory)
{
    pthread_rwlock_rdlock(&directory->lock);
    if (directory->reconnects_seen == atomic_load(&reconnects))
        return;
    pthread_rwlock_unlock(&directory->lock);
    pthread_rwlock_wrlock(&directory->lock);
    flush_after_reconnect(directory);
}

void directory_lock(struct directory *directory)
{
    pthread_rwlock_wrlock(&directory->lock);
    flush_after_reconnect(directory);
}

/* ---- opening and closing ---- */

static bool make_tables(struct directory *directory, struct err *err)
{
    directory->sensors = directory_table_new(sizeof(struct known_sensor), directory->config.most_sensors);
    directory->credentials = directory_table_new(sizeof(struct credential), directory->config.most_credentials);
    directory->profiles = directory_table_new(sizeof(struct known_profile), DIRECTORY_PROFILES);
    if (!directory->sensors || !directory->credentials || !directory->profiles || !change_marks_init(&directory->marks))
        return err_set(err, ERR_LIMIT, "no memory for the directory of sensors");
    return true;
}

static void make_metrics(struct directory *directory)
{
    static const char lookups[] = "nwims_directory_lookups_total",
                      lookups_help[] = "Sensors and credentials looked up, by where they were found";
    static const char entries[] = "nwims_directory_entries",
                      entries_help[] = "Sensors and credentials kept in memory, absent ones included";
    directory->hits = metrics_counter(lookups, "found=\"memory\"", lookups_help);
    directory->misses = metrics_counter(lookups, "found=\"registry\"", lookups_help);
    directory->flushes = metrics_counter(
        "nwims_directory_flushes_total", NULL, "Times that all was forgotten, after a reconnection for example");
    directory->evicted =
        metrics_counter("nwims_directory_evicted_total", NULL, "Entries that went because the directory was full");
    directory->sensor_gauge = metrics_gauge(entries, "kind=\"sensor\"", entries_help);
    directory->credential_gauge = metrics_gauge(entries, "kind=\"credential\"", entries_help);
}

static bool follow_events(struct directory *directory, struct err *err)
{
    static const char *const subjects[] = { "events.*.sensor", "events.*.device", "events.*.credential",
        "events.*.municipality", "events.*.zone", "events.*.site", "events.*.tenant_access" };
    if (!bus_on_reconnect(directory->bus, on_reconnect, NULL, err))
        return false;
    for (size_t i = 0; i < COUNT_OF(subjects); i++)
        if (!bus_subscribe(&directory->subscriptions[i], directory->bus, subjects[i], NULL, directory_on_event_take,
                directory, err))
            return err_wrap(err, "following %s", subjects[i]);
    return true;
}

/* glibc's own preference is for readers: under steady traffic they would keep the one out who forgets what changed, and
 * a revoked token would stay good. Nobody takes the lock twice. */
static void init_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t writers_first;
    pthread_rwlockattr_init(&writers_first);
    pthread_rwlockattr_setkind_np(&writers_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &writers_first);
    pthread_rwlockattr_destroy(&writers_first);
}

bool directory_open(
    struct directory **out_directory, struct bus *bus, const struct directory_config *config, struct err *err)
{
    AUTO(directory) directory = calloc(1, sizeof *directory);
    if (!directory)
        return err_set(err, ERR_LIMIT, "no memory for the directory of sensors");
    directory->bus = bus;
    directory->config = *config;
    directory->reconnects_seen = atomic_load(&reconnects);
    init_lock(&directory->lock);
    for (size_t i = 0; i < DIRECTORY_LANES; i++)
        pthread_mutex_init(&directory->lanes[i].lock, NULL);
    make_metrics(directory);
    if (!make_tables(directory, err) || !follow_events(directory, err))
        return false;
    *out_directory = TAKE(directory);
    return true;
}

void directory_close(struct directory *directory)
{
    if (!directory)
        return;
    directory_unlisten(directory);
    for (size_t i = 0; i < COUNT_OF(directory->subscriptions); i++)
        bus_subscription_close(directory->subscriptions[i]);
    for (size_t i = 0; i < DIRECTORY_LANES; i++)
        pthread_mutex_destroy(&directory->lanes[i].lock);
    pthread_rwlock_destroy(&directory->lock);
    directory_table_free(directory->sensors);
    directory_table_free(directory->credentials);
    directory_table_free(directory->profiles);
    change_marks_done(&directory->marks);
    free(directory);
}

/* ---- the listener ---- */

void directory_tell(struct directory *directory, const char *device_id, const char *credential_id)
{
    pthread_mutex_lock(&listening_lock);
    if (listening && (!directory || directory == listening))
        listening->listener(listening->listener_context, device_id, credential_id);
    pthread_mutex_unlock(&listening_lock);
}

/* What was missed while the bus was away is not known one by one. */
static void tell_after_reconnect(void *context)
{
    (void)context;
    directory_tell(NULL, NULL, NULL);
}

bool directory_listen(struct directory *directory, directory_changed *listener, void *context, struct err *err)
{
    pthread_mutex_lock(&listening_lock);
    directory->listener_context = context;
    directory->listener = listener;
    listening = directory;
    pthread_mutex_unlock(&listening_lock);
    return bus_on_reconnect(directory->bus, tell_after_reconnect, NULL, err);
}

void directory_unlisten(struct directory *directory)
{
    pthread_mutex_lock(&listening_lock);
    listening = listening == directory ? NULL : listening;
    pthread_mutex_unlock(&listening_lock);
}
