#include "ingest/directory_internal.h"
#include "nwims/v1/readings.pb-c.h"
#include "wire/wire.h"
#include <string.h>

enum { EVENT_ARENA_BYTES = 64 * 1024 };

static void note(struct directory *directory, const struct directory_key *key)
{
    if (key->size > 0 && !change_marks_note(&directory->marks, key->bytes, key->size))
        directory_flush(directory);
}

static bool sensor_has_id(const void *value, const void *wanted)
{
    const struct known_sensor *known = value;
    return strcmp(known->sensor.id, wanted) == 0;
}

static bool credential_has_id(const void *value, const void *wanted)
{
    const struct credential *credential = value;
    return strcmp(credential->device.credential_id, wanted) == 0;
}

static void forget_sensor_named(struct directory *directory, int32_t tenant_id, const char *name)
{
    struct directory_key key = directory_key_of_sensor(tenant_id, name, strlen(name));
    note(directory, &key);
    directory_table_drop(directory->sensors, key.bytes, key.size);
}

static void forget_sensor(struct directory *directory, const Nwims__V1__EntityChanged *event)
{
    if (event->id)
        forget_sensor_named(directory, event->tenant_id, event->id);
    if (event->code && *event->code)
        forget_sensor_named(directory, event->tenant_id, event->code);
    else if (event->id)
        directory_table_drop_each(directory->sensors, sensor_has_id, event->id);
}

static void forget_credential(struct directory *directory, const Nwims__V1__EntityChanged *event)
{
    struct directory_key key;
    if (event->has_verifier && event->verifier.len == DIRECTORY_VERIFIER_SIZE) {
        key = directory_key_of_verifier(event->verifier.data);
        note(directory, &key);
        directory_table_drop(directory->credentials, key.bytes, key.size);
        /* One that was found by a name is held against this mark when it is used. */
        key = directory_key_of_id(KEY_CREDENTIAL_ID, event->id ? event->id : "");
        note(directory, &key);
    } else if (event->id) {
        key = directory_key_of_id(KEY_CREDENTIAL_ID, event->id);
        note(directory, &key);
        directory_table_drop_each(directory->credentials, credential_has_id, event->id);
    }
}

static void forget(struct directory *directory, const Nwims__V1__EntityChanged *event)
{
    const char *entity = event->entity ? event->entity : "";
    if (event->has_moved) {
        struct directory_key places = directory_key_of_places(event->tenant_id);
        note(directory, &places);
    }
    if (strcmp(entity, "sensor") == 0) {
        forget_sensor(directory, event);
    } else if (strcmp(entity, "credential") == 0) {
        forget_credential(directory, event);
    } else if (strcmp(entity, "tenant_access") == 0) {
        struct directory_key key = directory_key_of_tenant(event->tenant_id);
        note(directory, &key);
    } else if (strcmp(entity, "device") == 0 && event->id) {
        /* Its credentials are not looked for: each is held against this mark when it is used. */
        struct directory_key key = directory_key_of_id(KEY_DEVICE, event->id);
        note(directory, &key);
    }
}

static void tell(struct directory *directory, const Nwims__V1__EntityChanged *event)
{
    const char *entity = event && event->entity ? event->entity : "", *id = event ? event->id : NULL;
    bool is_device = strcmp(entity, "device") == 0, is_credential = strcmp(entity, "credential") == 0;
    if (!event || strcmp(entity, "tenant_access") == 0)
        directory_tell(directory, NULL, NULL);
    else if ((is_device || is_credential) && id)
        directory_tell(directory, is_device ? id : NULL, is_credential ? id : NULL);
}

/* Short enough for the bus's own thread: one small message, a few table operations. */
void directory_on_event_take(void *context, struct bus_message *taken)
{
    AUTO(bus_message) message = taken;
    AUTO_INPLACE(arena) arena;
    struct directory *directory = context;
    struct err err = { 0 };
    ProtobufCMessage *event = NULL;
    arena_init(&arena, EVENT_ARENA_BYTES);
    bool is_read = wire_decode(&event, &arena, &nwims__v1__entity_changed__descriptor, bus_message_data(message),
        bus_message_size(message), &err);
    pthread_rwlock_wrlock(&directory->lock);
    if (is_read)
        forget(directory, (const Nwims__V1__EntityChanged *)event);
    else /* something changed, and we cannot tell what */
        directory_flush(directory);
    pthread_rwlock_unlock(&directory->lock);
    tell(directory, is_read ? (const Nwims__V1__EntityChanged *)event : NULL);
}
