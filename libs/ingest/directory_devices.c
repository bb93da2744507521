#include "auth/auth.h"
#include "base/clock.h"
#include "base/text.h"
#include "ingest/credential.h"
#include "ingest/directory_internal.h"
#include <string.h>

enum { TOKEN_LONGEST = 256, LOOKUP_LONGEST = 128 };

static bool is_current(const struct directory *directory, const struct credential *credential)
{
    struct directory_key device = directory_key_of_id(KEY_DEVICE, credential->device.device_id);
    struct directory_key id = directory_key_of_id(KEY_CREDENTIAL_ID, credential->device.credential_id);
    struct directory_key tenant = directory_key_of_tenant(credential->device.tenant_id);
    return !directory_has_changed(directory, &tenant, credential->position) &&
           !directory_has_changed(directory, &device, credential->position) &&
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

static bool ask_for_credential(struct directory *directory, const struct directory_question *question,
    const struct directory_key *key, struct credential *out_credential, struct arena *arena, struct err *err)
{
    int64_t began_us = clock_monotonic_us();
    struct credential credential = { 0 };
    struct lane *lane = directory_lane_enter(directory, key);
    enum directory_answer answer = look_up_credential(directory, key, &credential, &credential.position);
    bool ok = true;
    if (answer == DIRECTORY_UNKNOWN) {
        ok = directory_lane_may_ask(lane, began_us, err) &&
             directory_ask_device(directory->bus, question, &credential.device, arena, err);
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
    if (device->is_suspended)
        return err_set(err, ERR_UNAUTHENTICATED, "the utility that the device belongs to is suspended");
    if (device->is_disabled)
        return err_set(err, ERR_UNAUTHENTICATED, "the device is disabled");
    return true;
}

/* Who asks by a name has its entry under the hash of kind and name. */
static bool key_of_question(const struct directory_question *question, struct directory_key *out_key)
{
    char lookup[CREDENTIAL_LOOKUP_SIZE];
    unsigned char digest[SHA256_SIZE];
    if (question->verifier) {
        *out_key = directory_key_of_verifier(question->verifier);
        return true;
    }
    if (!credential_lookup(lookup, question->kind, question->lookup))
        return false;
    credential_verifier(digest, question->kind, lookup);
    *out_key = directory_key_of_verifier(digest);
    return true;
}

static bool give(const struct credential *credential, const struct directory_question *question,
    struct directory_device *out_device, struct err *err)
{
    if (!check_device(&credential->device, err))
        return false;
    *out_device = credential->device;
    if (question->verifier)
        memcpy(out_device->verifier, question->verifier, sizeof out_device->verifier);
    return text_copy(out_device->kind, sizeof out_device->kind, question->kind, strlen(question->kind)) &&
           (!question->lookup ||
               text_copy(out_device->lookup, sizeof out_device->lookup, question->lookup, strlen(question->lookup)));
}

static bool find(struct directory *directory, const struct directory_question *question,
    struct directory_device *out_device, struct arena *arena, struct err *err)
{
    struct credential credential = { 0 };
    struct directory_key key;
    uint64_t position;
    if (!key_of_question(question, &key))
        return err_set(err, ERR_UNAUTHENTICATED, "no device has such a name");
    if (look_up_credential(directory, &key, &credential, &position) != DIRECTORY_UNKNOWN)
        metric_add(directory->hits, 1);
    else if (!ask_for_credential(directory, question, &key, &credential, arena, err))
        return false;
    return give(&credential, question, out_device, err);
}

static bool find_known(
    struct directory *directory, const struct directory_question *question, struct directory_device *out_device)
{
    struct credential credential = { 0 };
    struct directory_key key;
    struct err err = { 0 };
    uint64_t position;
    return key_of_question(question, &key) &&
           look_up_credential(directory, &key, &credential, &position) == DIRECTORY_PRESENT &&
           give(&credential, question, out_device, &err);
}

/* False if it can be nobody's. */
static bool question_of_token(
    const char *token, unsigned char verifier[DIRECTORY_VERIFIER_SIZE], struct directory_question *out_question)
{
    size_t length = strnlen(token, TOKEN_LONGEST + 1);
    if (length == 0 || length > TOKEN_LONGEST)
        return false;
    auth_sha256(verifier, token, length);
    *out_question = (struct directory_question){ .kind = "token", .verifier = verifier };
    return true;
}

bool directory_device(struct directory *directory, const char *token, struct directory_device *out_device,
    struct arena *arena, struct err *err)
{
    unsigned char verifier[SHA256_SIZE];
    struct directory_question question;
    if (!question_of_token(token, verifier, &question))
        return err_set(err, ERR_UNAUTHENTICATED, "this is no device's token");
    return find(directory, &question, out_device, arena, err);
}

bool directory_device_known(struct directory *directory, const char *token, struct directory_device *out_device)
{
    unsigned char verifier[SHA256_SIZE];
    struct directory_question question;
    return question_of_token(token, verifier, &question) && find_known(directory, &question, out_device);
}

bool directory_named(struct directory *directory, const char *kind, const char *lookup,
    struct directory_device *out_device, struct arena *arena, struct err *err)
{
    return find(directory, &(struct directory_question){ .kind = kind, .lookup = lookup }, out_device, arena, err);
}

bool directory_named_known(
    struct directory *directory, const char *kind, const char *lookup, struct directory_device *out_device)
{
    return find_known(directory, &(struct directory_question){ .kind = kind, .lookup = lookup }, out_device);
}

bool directory_device_again(struct directory *directory, const struct directory_device *device,
    struct directory_device *out_device, struct arena *arena, struct err *err)
{
    bool is_token = strcmp(device->kind, "token") == 0;
    const struct directory_question question = {
        .kind = device->kind, .verifier = is_token ? device->verifier : NULL, .lookup = is_token ? NULL : device->lookup
    };
    return find(directory, &question, out_device, arena, err);
}
