#include "base/clock.h"
#include "base/text.h"
#include "ingest/directory_internal.h"
#include <string.h>

/* Under the shared lock; the text is copied into the arena. */
static enum directory_answer look_up(struct directory *directory, const struct directory_key *key,
    const struct directory_key *device, const char **out_profile, uint64_t *out_position, struct arena *arena)
{
    const void *value;
    directory_lock_shared(directory);
    *out_position = directory->marks.position;
    enum directory_answer answer =
        directory_table_get(directory->profiles, key->bytes, key->size, clock_monotonic_us(), &value);
    const struct known_profile *known = answer == DIRECTORY_PRESENT ? value : NULL;
    if (known && directory_has_changed(directory, device, known->position))
        answer = DIRECTORY_UNKNOWN;
    else if (known)
        *out_profile = arena_text(arena, known->text);
    pthread_rwlock_unlock(&directory->lock);
    return known && answer == DIRECTORY_PRESENT && !*out_profile ? DIRECTORY_UNKNOWN : answer;
}

static void keep(struct directory *directory, const struct directory_key *key, const struct directory_key *device,
    const char *profile, uint64_t position)
{
    struct known_profile known = { .position = position };
    if (profile && !text_copy(known.text, sizeof known.text, profile, strlen(profile)))
        return;
    directory_lock(directory);
    if (!directory_has_changed(directory, device, position))
        metric_add(directory->evicted, directory_table_put(directory->profiles, key->bytes, key->size,
                                           profile ? &known : NULL, directory_expiry(directory, profile != NULL)));
    pthread_rwlock_unlock(&directory->lock);
}

static bool ask(struct directory *directory, const struct directory_device *device, const struct directory_key *key,
    const struct directory_key *changes, const char **out_profile, struct arena *arena, struct err *err)
{
    int64_t began_us = clock_monotonic_us();
    uint64_t position;
    struct lane *lane = directory_lane_enter(directory, key);
    bool ok = true;
    if (look_up(directory, key, changes, out_profile, &position, arena) == DIRECTORY_UNKNOWN) {
        ok = directory_lane_may_ask(lane, began_us, err) &&
             directory_ask_profile(directory->bus, device->tenant_id, device->device_id, out_profile, arena, err);
        if (ok) {
            metric_add(directory->misses, 1);
            keep(directory, key, changes, *out_profile, position);
        }
    }
    directory_lane_leave(lane, !ok);
    return ok;
}

bool directory_profile_known(
    struct directory *directory, const struct directory_device *device, const char **out_profile, struct arena *arena)
{
    struct directory_key key = directory_key_of_id(KEY_PROFILE, device->device_id);
    struct directory_key changes = directory_key_of_id(KEY_DEVICE, device->device_id);
    uint64_t position;
    *out_profile = NULL;
    if (look_up(directory, &key, &changes, out_profile, &position, arena) == DIRECTORY_UNKNOWN)
        return false;
    metric_add(directory->hits, 1);
    return true;
}

bool directory_profile(struct directory *directory, const struct directory_device *device, const char **out_profile,
    struct arena *arena, struct err *err)
{
    struct directory_key key = directory_key_of_id(KEY_PROFILE, device->device_id);
    struct directory_key changes = directory_key_of_id(KEY_DEVICE, device->device_id);
    return directory_profile_known(directory, device, out_profile, arena) ||
           ask(directory, device, &key, &changes, out_profile, arena, err);
}
