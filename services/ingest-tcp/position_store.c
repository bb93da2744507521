#include "position_store.h"
#include "base/clock.h"
#include "base/text.h"
#include "ingest/gap_event.h"
#include "nwims/v1/positions.pb-c.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PARTS = 4, WHOSE_SIZE = 64, SUBJECT_SIZE = 80, VALUE_BYTES = 1024, ARENA_BYTES = 4096, WRITE_MS = 3000 };

/* Spread by the device: the same at every replica and for good. The first has the name that all had before there were
 * several. */
struct place {
    char stream[16], subject[SUBJECT_SIZE];
};

static void place_of(struct place *place, const char *whose, unsigned part)
{
    const char suffix[] = { part > 0 ? '-' : '\0', (char)('0' + part), '\0' };
    snprintf(place->stream, sizeof place->stream, "POSITIONS%s", suffix);
    snprintf(place->subject, sizeof place->subject, "positions%s.%s", suffix, whose);
}

/* Gives the part in which the device is. */
static unsigned part_of(char whose[WHOSE_SIZE], const struct position_key *key)
{
    int length = snprintf(whose, WHOSE_SIZE, "%" PRId32 ".%s", key->tenant_id, key->device_id);
    unsigned part = (unsigned)(text_hash(whose, (size_t)length) % PARTS);
    if (key->is_lease)
        snprintf(whose + length, WHOSE_SIZE - (size_t)length, ".poll");
    return part;
}

static bool decode_gaps(struct sequence_gaps *gaps, const Nwims__V1__DevicePosition *position)
{
    *gaps = (struct sequence_gaps){ .missed = position->missed,
        .late = position->late,
        .forgotten = position->forgotten,
        .forgotten_until = position->forgotten_until };
    return gap_ranges_read(gaps, position->missing, position->n_missing);
}

static bool decode(struct position_value *value, const struct bus_message *message, struct err *err)
{
    AUTO_INPLACE(arena) arena;
    ProtobufCMessage *decoded = NULL;
    arena_init(&arena, ARENA_BYTES);
    if (!wire_decode(&decoded, &arena, &nwims__v1__device_position__descriptor, bus_message_data(message),
            bus_message_size(message), err))
        return false;
    const Nwims__V1__DevicePosition *position = (const Nwims__V1__DevicePosition *)decoded;
    if (!position->has_epoch || !position->has_committed || position->owner.len != sizeof value->owner.bytes ||
        !decode_gaps(&value->gaps, position))
        return err_set(err, ERR_BUG, "a stored position lacks a field, or has one that cannot be");
    value->epoch = position->epoch;
    value->committed = position->committed;
    value->at = position->at;
    memcpy(value->owner.bytes, position->owner.data, sizeof value->owner.bytes);
    return true;
}

static bool read_at(struct bus *bus, const char *whose, unsigned part, struct position_value *out_value,
    uint64_t *out_sequence, struct err *err)
{
    AUTO(bus_message) message = NULL;
    struct place place;
    place_of(&place, whose, part);
    return bus_latest(bus, place.stream, place.subject, &message, out_sequence, err) && decode(out_value, message, err);
}

bool position_store_read(struct bus *bus, const struct position_key *key, struct position_value *out_value,
    uint64_t *out_sequence, struct err *err)
{
    char whose[WHOSE_SIZE];
    unsigned part = part_of(whose, key);
    bool is_found = read_at(bus, whose, part, out_value, out_sequence, err);
    if (is_found || err->kind != ERR_NOT_FOUND)
        return is_found;
    /* From before the parts there may be one in the first; the first write of it goes to its own. */
    *err = (struct err){ 0 };
    is_found = part > 0 && read_at(bus, whose, 0, out_value, out_sequence, err);
    if (err->kind != ERR_NONE && err->kind != ERR_NOT_FOUND)
        return false;
    *err = (struct err){ 0 };
    *out_sequence = 0;
    if (!is_found)
        *out_value = (struct position_value){ 0 };
    return true;
}

/* A device that never missed any has a value as short as before. */
static void encode_gaps(
    Nwims__V1__DevicePosition *position, struct gap_ranges *ranges, const struct sequence_gaps *gaps)
{
    gap_ranges_fill(ranges, gaps);
    position->n_missing = gaps->count;
    position->missing = ranges->pointers;
    position->has_missed = position->has_late = gaps->missed > 0;
    position->has_forgotten = position->has_forgotten_until = gaps->forgotten > 0;
    position->missed = gaps->missed;
    position->late = gaps->late;
    position->forgotten = gaps->forgotten;
    position->forgotten_until = gaps->forgotten_until;
}

bool position_store_write(struct bus *bus, const struct position_key *key, const struct position_value *value,
    uint64_t last_sequence, uint64_t *out_sequence, struct err *err)
{
    Nwims__V1__DevicePosition position = NWIMS__V1__DEVICE_POSITION__INIT;
    struct gap_ranges ranges;
    AUTO_INPLACE(buffer) body = { .ceiling_bytes = VALUE_BYTES };
    char whose[WHOSE_SIZE];
    struct place place;
    unsigned part = part_of(whose, key);
    place_of(&place, whose, part);
    encode_gaps(&position, &ranges, &value->gaps);
    position.has_epoch = position.has_committed = position.has_owner = position.has_at = true;
    position.epoch = value->epoch;
    position.committed = value->committed;
    position.owner = (ProtobufCBinaryData){ sizeof value->owner.bytes, (uint8_t *)(uintptr_t)value->owner.bytes };
    position.at = clock_now_us();
    if (!wire_encode(&body, &position.base, err))
        return false;
    const struct bus_outgoing outgoing = { .subject = place.subject, .data = body.data, .size = body.size };
    return bus_replace(bus, &outgoing, NULL, last_sequence, WRITE_MS, out_sequence, err);
}
