#include "front/roster.h"
#include "base/map.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct roster {
    pthread_mutex_t lock;
    struct map *devices; /* device id -> its first entry */
};

struct roster *roster_new(size_t most)
{
    struct roster *roster = calloc(1, sizeof *roster);
    if (!roster || !(roster->devices = map_new(most))) {
        free(roster);
        return NULL;
    }
    pthread_mutex_init(&roster->lock, NULL);
    return roster;
}

void roster_free(struct roster *roster)
{
    if (!roster)
        return;
    map_free(roster->devices, NULL);
    pthread_mutex_destroy(&roster->lock);
    free(roster);
}

static struct roster_entry *first_of(const struct roster *roster, const char *device_id)
{
    return map_get(roster->devices, device_id, strlen(device_id));
}

static bool set_first(struct roster *roster, const char *device_id, struct roster_entry *first)
{
    if (first)
        return map_put(roster->devices, device_id, strlen(device_id), first, NULL);
    map_remove(roster->devices, device_id, strlen(device_id));
    return true;
}

static void take_out(struct roster *roster, struct roster_entry *entry)
{
    const char *device_id = entry->device->device_id;
    struct roster_entry *first = first_of(roster, device_id);
    entry->is_in = false;
    if (first == entry) { /* replacing the value of a key that is there needs no memory */
        bool is_set = set_first(roster, device_id, entry->next_of_device);
        (void)is_set;
        return;
    }
    for (struct roster_entry *other = first; other; other = other->next_of_device)
        if (other->next_of_device == entry) {
            other->next_of_device = entry->next_of_device;
            return;
        }
}

bool roster_enter(struct roster *roster, struct roster_entry *entry, struct net_handle *out_old)
{
    size_t count = 0;
    struct roster_entry *old = NULL;
    *out_old = (struct net_handle){ 0 };
    pthread_mutex_lock(&roster->lock);
    for (struct roster_entry *other = first_of(roster, entry->device->device_id); other;
         other = other->next_of_device) {
        old = strcmp(other->name, entry->name) == 0 ? other : old;
        count++;
    }
    if (old) {
        *out_old = old->handle;
        take_out(roster, old);
    }
    bool has_room = old || count < ROSTER_MOST_OF_DEVICE;
    entry->next_of_device = first_of(roster, entry->device->device_id);
    entry->is_in = has_room && set_first(roster, entry->device->device_id, entry);
    bool is_in = entry->is_in;
    pthread_mutex_unlock(&roster->lock);
    return is_in;
}

bool roster_leave(struct roster *roster, struct roster_entry *entry)
{
    pthread_mutex_lock(&roster->lock);
    bool was_in = entry->is_in;
    if (was_in)
        take_out(roster, entry);
    pthread_mutex_unlock(&roster->lock);
    return was_in;
}

struct visit {
    const char *credential_id;
    roster_visit *call;
    void *context;
};

static bool visit_device(void *context, const void *key, size_t key_size, void *value)
{
    const struct visit *visit = context;
    (void)key, (void)key_size;
    for (const struct roster_entry *entry = value; entry; entry = entry->next_of_device)
        if (!visit->credential_id || strcmp(visit->credential_id, entry->device->credential_id) == 0)
            visit->call(visit->context, &entry->handle);
    return true;
}

void roster_each(
    struct roster *roster, const char *device_id, const char *credential_id, roster_visit *visit, void *context)
{
    struct visit wanted = { credential_id, visit, context };
    pthread_mutex_lock(&roster->lock);
    if (device_id)
        visit_device(&wanted, NULL, 0, first_of(roster, device_id));
    else
        map_each(roster->devices, visit_device, &wanted);
    pthread_mutex_unlock(&roster->lock);
}
