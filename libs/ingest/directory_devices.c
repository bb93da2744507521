#include "auth/auth.h"
#include "base/clock.h"
#include "ingest/directory_internal.h"
#include <string.h>

enum { TOKEN_LONGEST = 256 };

static bool is_current(const struct directory *directory, const struct credential *credential)
{
    struct directory_key device = directory_key_of_id(KEY_DEVICE, credential->device.device_id);
    struct directory_key id = directory_key_of_id(KEY_CREDENTIAL_ID, credential->device.credential_id);
    return !directory_has_changed(directory, &device, credential->position) &&
           !directory_has_changed(directory, &id, credential->position);
}

static enum directory_answer look_up_credential(struct directory *directory, const struct directory_key *key,
    struct credential *out_credential, uint64_t *out_position)
{
    const void *value;
    directory_lock_shared(directory);
    *out_position = directory->marks.position;
    enum directory_answer answer =
        directory_table_get(directory->credentials, key->bytes, key->size, clock_monotonic_us(), &value);
    if (answer == DIRECTORY_PRESENT && is_current(directory, value))
        memcpy(out_credential, value, sizeof *out_credential);
    else if (answer == DIRECTORY_PRESENT)
        answer = DIRECTORY_UNKNOWN;
    pthread_rwlock_unlock(&directory->lock);
    return answer;
}

static void keep_credential(
    struct directory *directory, const struct directory_key *key, const struct credential *credential)
{
    bool is_present = credential->device.tenant_id != 0;
    directory_lock(directory);
    if (!directory_has_changed(directory, key, credential->position) && is_current(directory, credential))
        metric_add(directory->evicted, directory_table_put(directory->credentials, key->bytes, key->size,
                                           is_present ? credential : NULL, directory_expiry(directory, is_present)));
    metric_set(directory->credential_gauge, (double)directory_table_count(directory->credentials));
    pthread_rwlock_unlock(&directory->lock);
}

static bool ask_for_credential(struct directory *directory, const unsigned char *verifier,
    const struct directory_key *key, struct credential *out_credential, struct arena *arena, struct err *err)
{
    int64_t began_us = clock_monotonic_us();
    struct credential credential = { 0 };
    struct lane *lane = directory_lane_enter(directory, key);
    enum directory_answer answer = look_up_credential(directory, key, &credential, &credential.position);
    bool ok = true;
    if (answer == DIRECTORY_UNKNOWN) {
        ok = directory_lane_may_ask(lane, began_us, err) &&
             directory_ask_device(directory->bus, verifier, &credential.device, arena, err);
        if (ok) {
            metric_add(directory->misses, 1);
            keep_credential(directory, key, &credential);
        }
    }
    directory_lane_leave(lane, !ok);
    *out_credential = credential;
    return ok;
}

static bool check_device(const struct directory_device *device, struct err *err)
{
    if (device->tenant_id == 0)
        return err_set(err, ERR_UNAUTHENTICATED, "this is no device's token");
    if (device->expires_at != 0 && device->expires_at <= clock_now_us())
        return err_set(err, ERR_UNAUTHENTICATED, "the device's token has expired");
    if (device->is_disabled)
        return err_set(err, ERR_UNAUTHENTICATED, "the device is disabled");
    return true;
}

bool directory_device_again(struct directory *directory, const unsigned char verifier[DIRECTORY_VERIFIER_SIZE],
    struct directory_device *out_device, struct arena *arena, struct err *err)
{
    struct credential credential = { 0 };
    uint64_t position;
    struct directory_key key = directory_key_of_verifier(verifier);
    if (look_up_credential(directory, &key, &credential, &position) != DIRECTORY_UNKNOWN)
        metric_add(directory->hits, 1);
    else if (!ask_for_credential(directory, verifier, &key, &credential, arena, err))
        return false;
    if (!check_device(&credential.device, err))
        return false;
    *out_device = credential.device;
    memcpy(out_device->verifier, verifier, sizeof out_device->verifier);
    return true;
}

bool directory_device(struct directory *directory, const char *token, struct directory_device *out_device,
    struct arena *arena, struct err *err)
{
    unsigned char verifier[SHA256_SIZE];
    size_t length = strnlen(token, TOKEN_LONGEST + 1);
    if (length == 0 || length > TOKEN_LONGEST)
        return err_set(err, ERR_UNAUTHENTICATED, "this is no device's token");
    auth_sha256(verifier, token, length);
    return directory_device_again(directory, verifier, out_device, arena, err);
}

bool directory_device_known(struct directory *directory, const char *token, struct directory_device *out_device)
{
    unsigned char verifier[SHA256_SIZE];
    struct credential credential = { 0 };
    struct err err = { 0 };
    uint64_t position;
    size_t length = strnlen(token, TOKEN_LONGEST + 1);
    if (length == 0 || length > TOKEN_LONGEST)
        return false;
    auth_sha256(verifier, token, length);
    struct directory_key key = directory_key_of_verifier(verifier);
    if (look_up_credential(directory, &key, &credential, &position) != DIRECTORY_PRESENT ||
        !check_device(&credential.device, &err))
        return false;
    *out_device = credential.device;
    memcpy(out_device->verifier, verifier, sizeof out_device->verifier);
    return true;
}
