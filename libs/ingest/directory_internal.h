/* What the directory is made of: its parts are directory.c (life and locks), directory_events.c (forgetting what
 * changed), directory_sensors.c and directory_devices.c and directory_profiles.c (looking up), directory_ask.c (the
 * registry). Inside libs/ingest only. */
#pragma once
#include "ingest/change_marks.h"
#include "ingest/directory.h"
#include "ingest/directory_ask.h"
#include "ingest/directory_table.h"
#include "ingest/payload_profile.h"
#include "metrics/metrics.h"
#include <pthread.h>

/* A credential with the position of the changes when it was asked for: one older than its device's last change does not
 * count. */
struct credential {
    struct directory_device device;
    uint64_t position;
};
/* A sensor likewise: one older than the last move of what its tenant's sensors belong to is asked for anew. */
struct known_sensor {
    struct directory_sensor sensor;
    uint64_t position;
};
/* Those who miss the same thing at the same time wait here for the first one's answer. */
struct lane {
    pthread_mutex_t lock;
    int64_t failed_at_us;
};
struct known_profile {
    uint64_t position;
    char text[PAYLOAD_PROFILE_LONGEST + 1];
};
enum { DIRECTORY_LANES = 64, DIRECTORY_PROFILES = 8192 };
struct directory {
    struct bus *bus;
    struct directory_config config;
    pthread_rwlock_t lock; /* for the tables, the marks and reconnects_seen */
    struct directory_table *sensors;
    struct directory_table *credentials;
    struct directory_table *profiles;
    struct change_marks marks;
    uint64_t reconnects_seen;
    struct lane lanes[DIRECTORY_LANES];
    struct bus_subscription *subscriptions[7];
    directory_changed *listener; /* NULL: none */
    void *listener_context;
    struct metric *hits, *misses, *flushes, *evicted, *sensor_gauge, *credential_gauge;
};

/* ---- keys: of the tables and of the marks ---- */
enum key_kind {
    KEY_SENSOR = 's',
    KEY_CREDENTIAL = 'c',
    KEY_DEVICE = 'd',
    KEY_CREDENTIAL_ID = 'i',
    KEY_PLACES = 'p',
    KEY_TENANT = 't',
    KEY_PROFILE = 'f'
};
struct directory_key {
    unsigned char bytes[1 + sizeof(int32_t) + DIRECTORY_NAME_LONGEST];
    size_t size; /* 0: nothing can have this name */
};
struct directory_key directory_key_of_sensor(int32_t tenant_id, const char *name, size_t length);
struct directory_key directory_key_of_verifier(const unsigned char verifier[DIRECTORY_VERIFIER_SIZE]);
/* Where the tenant's things count to. */
struct directory_key directory_key_of_places(int32_t tenant_id);
/* Whether the tenant's devices are let in. */
struct directory_key directory_key_of_tenant(int32_t tenant_id);
struct directory_key directory_key_of_id(enum key_kind kind, const char *id);

/* ---- locks: what is seen under them is from after the last reconnection; both are given back with
 * pthread_rwlock_unlock ---- */
void directory_lock_shared(struct directory *directory);
void directory_lock(struct directory *directory);

/* ---- under the lock ---- */
/* Forgets everything, answers under way included. Exclusive. */
void directory_flush(struct directory *directory);
bool directory_has_changed(const struct directory *directory, const struct directory_key *key, uint64_t position);
/* When an entry made now is too old. */
int64_t directory_expiry(const struct directory *directory, bool is_present);
/* Tells the listener, if there is one. Not under the lock: whoever is told looks again. */
void directory_tell(struct directory *directory, const char *device_id, const char *credential_id);
/* Follows the events on a thread of the bus; context is the directory. */
void directory_on_event_take(void *context, struct bus_message *taken);

/* ---- asking, one at a time for the same thing ---- */
struct lane *directory_lane_enter(struct directory *directory, const struct directory_key *key);
/* False when the one before us, for whom we waited, had no answer: asking again would make each of a long queue wait in
 * turn. */
MUST_CHECK bool directory_lane_may_ask(const struct lane *lane, int64_t began_us, struct err *err);
void directory_lane_leave(struct lane *lane, bool has_failed);
