#include "sequence_store.h"
#include "base/buffer.h"
#include "ingest/gap_event.h"
#include "nwims/v1/positions.pb-c.h"
#include "wire/wire.h"
#include <stdlib.h>
#include <string.h>

enum { STATE_BYTES = 4096 };

/* One mark of one batch. */
struct entry {
    int32_t tenant_id;
    struct uuid device;
    uint64_t place; /* of the batch in the stream */
    size_t number;  /* of the mark there */
    const char *protocol;
    struct sequence_mark mark;
};
/* The devices that the entries are of, in their order: parallel arrays for unnest. */
struct devices {
    size_t count;
    int32_t *tenants, *changed;
    const char **ids, **protocols, **states;
    struct sequence_state *known;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_LIMIT, "no memory to follow the sequences of devices");
}

/* ---- the marks ---- */
/* A clock that is more than a day ahead tells nothing. */
static bool read_mark(struct entry *entry, const Nwims__V1__SequenceMark *mark, const struct batch *batch)
{
    if (mark->device_id.len != sizeof entry->device.bytes || mark->last < mark->first || mark->last > SEQUENCE_HIGHEST)
        return false;
    const Nwims__V1__Provenance *provenance = batch->wire->provenance;
    *entry = (struct entry){ .tenant_id = batch->wire->tenant_id,
        .place = batch->sequence,
        .protocol = provenance && provenance->protocol ? provenance->protocol : "",
        .mark = { .first = mark->first,
            .last = mark->last,
            .at = mark->at,
            .has_at = mark->has_at && mark->at >= BATCH_OLDEST_AT && mark->at <= batch->wire->received_at + DAY_US } };
    memcpy(entry->device.bytes, mark->device_id.data, sizeof entry->device.bytes);
    return true;
}

static int by_device(const struct entry *a, const struct entry *b)
{
    if (a->tenant_id != b->tenant_id)
        return a->tenant_id < b->tenant_id ? -1 : 1;
    return memcmp(a->device.bytes, b->device.bytes, sizeof a->device.bytes);
}

static int by_device_and_place(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = by_device(a, b);
    if (order != 0)
        return order;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static struct entry *collect(
    const struct batch *batches, size_t count, size_t most, size_t *out_count, struct arena *arena)
{
    struct entry *entries = arena_alloc_array(arena, most, sizeof *entries);
    size_t found = 0;
    for (size_t b = 0; entries && b < count; b++)
        for (size_t i = 0; !batches[b].is_committed && i < batches[b].wire->n_sequence; i++)
            if (read_mark(&entries[found], batches[b].wire->sequence[i], &batches[b])) {
                entries[found].number = i;
                found++;
            }
    if (found > 1)
        qsort(entries, found, sizeof *entries, by_device_and_place);
    *out_count = found;
    return entries;
}

static bool name_devices(
    struct devices *devices, const struct entry *entries, size_t count, struct arena *arena, struct err *err)
{
    *devices = (struct devices){ .tenants = arena_alloc_array(arena, count, sizeof *devices->tenants),
        .changed = arena_alloc_array(arena, count, sizeof *devices->changed),
        .ids = arena_alloc_array(arena, count, sizeof *devices->ids),
        .protocols = arena_alloc_array(arena, count, sizeof *devices->protocols),
        .states = arena_alloc_array(arena, count, sizeof *devices->states),
        .known = arena_alloc_array(arena, count, sizeof *devices->known) };
    if (!devices->tenants || !devices->changed || !devices->ids || !devices->protocols || !devices->states ||
        !devices->known)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && by_device(&entries[i - 1], &entries[i]) == 0)
            continue;
        char *text = arena_alloc(arena, UUID_TEXT_SIZE);
        if (!text)
            return no_memory(err);
        uuid_format(text, &entries[i].device);
        size_t at = devices->count++;
        devices->tenants[at] = entries[i].tenant_id;
        devices->ids[at] = text;
        devices->protocols[at] = entries[i].protocol;
        devices->changed[at] = 0;
        devices->known[at] = (struct sequence_state){ 0 };
    }
    return true;
}

/* ---- a state as bytes ---- */
static bool decode_state(
    struct sequence_state *state, struct arena *arena, const unsigned char *bytes, size_t size, struct err *err)
{
    ProtobufCMessage *decoded;
    if (size == 0)
        return true;
    if (!wire_decode(&decoded, arena, &nwims__v1__device_sequence_state__descriptor, bytes, size, err))
        return err_set(err, ERR_BUG, "the sequence of a device cannot be read: %s", err->text);
    const Nwims__V1__DeviceSequenceState *wire = (const Nwims__V1__DeviceSequenceState *)decoded;
    *state = (struct sequence_state){ .is_known = true,
        .epoch = wire->epoch,
        .high = wire->high,
        .high_at = wire->high_at,
        .has_high_at = wire->has_high_at,
        .high_place = wire->high_place,
        .gaps = { .missed = wire->missed,
            .late = wire->late,
            .forgotten = wire->forgotten,
            .forgotten_until = wire->forgotten_until } };
    return gap_ranges_read(&state->gaps, wire->missing, wire->n_missing) ||
           err_set(err, ERR_BUG, "the sequence of a device has gaps that cannot be");
}

static const char *hex_of(const struct buffer *bytes, struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(arena, 2 * bytes->size + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < bytes->size; i++) {
        text[2 * i] = digits[(unsigned char)bytes->data[i] >> 4];
        text[2 * i + 1] = digits[(unsigned char)bytes->data[i] & 15];
    }
    text[2 * bytes->size] = '\0';
    return text;
}

/* In hex: an array of bytea is no parameter that the store knows. */
static const char *encode_state(const struct sequence_state *state, struct arena *arena, struct err *err)
{
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = STATE_BYTES };
    Nwims__V1__DeviceSequenceState wire = NWIMS__V1__DEVICE_SEQUENCE_STATE__INIT;
    struct gap_ranges ranges;
    const struct sequence_gaps *gaps = &state->gaps;
    gap_ranges_fill(&ranges, gaps);
    wire.has_epoch = wire.has_high = wire.has_high_place = true;
    wire.epoch = state->epoch;
    wire.high = state->high;
    wire.has_high_at = state->has_high_at;
    wire.high_at = state->high_at;
    wire.high_place = state->high_place;
    wire.n_missing = gaps->count;
    wire.missing = ranges.pointers;
    wire.has_missed = wire.has_late = gaps->missed > 0;
    wire.missed = gaps->missed;
    wire.late = gaps->late;
    wire.has_forgotten = wire.has_forgotten_until = gaps->forgotten > 0;
    wire.forgotten = gaps->forgotten;
    wire.forgotten_until = gaps->forgotten_until;
    if (!wire_encode(&bytes, &wire.base, err))
        return NULL;
    const char *text = hex_of(&bytes, arena);
    if (!text)
        no_memory(err);
    return text;
}

/* ---- rows ---- */
/* Locks the rows that there are; out_found says how many. */
static bool read_rows(
    struct store_session *session, struct devices *devices, struct arena *arena, size_t *out_found, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT n.place, d.state FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY AS n (tenant_id, device_id, "
            "place) JOIN telemetry.device_sequence d ON d.tenant_id = n.tenant_id AND d.device_id = n.device_id::uuid "
            "ORDER BY d.tenant_id, d.device_id FOR UPDATE OF d",
            PARAMS(PARAM_INT4S(devices->tenants, devices->count), PARAM_TEXTS(devices->ids, devices->count)), err))
        return false;
    *out_found = store_result_rows(rows);
    for (size_t row = 0; row < *out_found; row++) {
        unsigned char *bytes;
        size_t size, at = (size_t)store_result_int(rows, row, 0) - 1;
        if (!store_result_bytes(rows, row, 1, arena, &bytes, &size))
            return no_memory(err);
        if (at >= devices->count || !decode_state(&devices->known[at], arena, bytes, size, err))
            return at < devices->count ? false : err_set(err, ERR_BUG, "a device of another place");
    }
    return true;
}

/* Who comes for the first time gets a row, empty, that can be locked. */
static bool make_rows(struct store_session *session, const struct devices *devices, struct err *err)
{
    return store_run(session,
        "INSERT INTO telemetry.device_sequence (tenant_id, device_id, protocol) SELECT n.tenant_id, "
        "n.device_id::uuid, n.protocol FROM unnest($1::int4[], $2::text[], $3::text[]) AS n (tenant_id, device_id, "
        "protocol) ORDER BY 1, 2 ON CONFLICT DO NOTHING",
        PARAMS(PARAM_INT4S(devices->tenants, devices->count), PARAM_TEXTS(devices->ids, devices->count),
            PARAM_TEXTS(devices->protocols, devices->count)),
        NULL, err);
}

static bool write_rows(struct store_session *session, struct devices *devices, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < devices->count; i++)
        if (!(devices->states[i] = encode_state(&devices->known[i], arena, err)))
            return false;
    return store_run(session,
        "UPDATE telemetry.device_sequence d SET state = decode(n.state, 'hex'), protocol = n.protocol, changed_at = "
        "CASE WHEN n.changed = 1 THEN now() ELSE d.changed_at END FROM unnest($1::int4[], $2::text[], $3::text[], "
        "$4::text[], $5::int4[]) AS n (tenant_id, device_id, protocol, state, changed) WHERE d.tenant_id = "
        "n.tenant_id AND d.device_id = n.device_id::uuid",
        PARAMS(PARAM_INT4S(devices->tenants, devices->count), PARAM_TEXTS(devices->ids, devices->count),
            PARAM_TEXTS(devices->protocols, devices->count), PARAM_TEXTS(devices->states, devices->count),
            PARAM_INT4S(devices->changed, devices->count)),
        NULL, err);
}

static void follow(struct devices *devices, const struct entry *entries, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        at += i > 0 && by_device(&entries[i - 1], &entries[i]) != 0;
        if (sequence_state_take(&devices->known[at], &entries[i].mark, entries[i].place))
            devices->changed[at] = 1;
    }
}

bool sequence_store_take(
    struct store_session *session, const struct batch *batches, size_t count, struct arena *arena, struct err *err)
{
    size_t most = 0, entry_count = 0, found = 0;
    struct devices devices;
    for (size_t b = 0; b < count; b++)
        most += batches[b].is_committed ? 0 : batches[b].wire->n_sequence;
    if (most == 0)
        return true;
    const struct entry *entries = collect(batches, count, most, &entry_count, arena);
    if (!entries)
        return no_memory(err);
    if (entry_count == 0)
        return true;
    if (!name_devices(&devices, entries, entry_count, arena, err) ||
        !read_rows(session, &devices, arena, &found, err) ||
        (found < devices.count &&
            (!make_rows(session, &devices, err) || !read_rows(session, &devices, arena, &found, err))))
        return err_wrap(err, "sequences of devices");
    follow(&devices, entries, entry_count);
    return write_rows(session, &devices, arena, err) || err_wrap(err, "sequences of devices");
}

/* ---- what is to be told ---- */
bool sequence_store_untold(struct store_session *session, int64_t settle_ms, size_t most, struct arena *arena,
    struct untold_sequence **out_items, size_t *out_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT tenant_id, device_id::text, protocol, changed_at, was_told, state FROM telemetry.device_sequence "
            "WHERE changed_at < now() - $1::int8 * interval '1 millisecond' ORDER BY changed_at LIMIT $2",
            PARAMS(PARAM_INT(settle_ms), PARAM_INT((int64_t)most)), err))
        return false;
    size_t count = store_result_rows(rows);
    struct untold_sequence *items = arena_alloc_array(arena, count, sizeof *items);
    if (!items)
        return no_memory(err);
    for (size_t row = 0; row < count; row++) {
        unsigned char *bytes;
        size_t size;
        items[row] = (struct untold_sequence){ .tenant_id = (int32_t)store_result_int(rows, row, 0),
            .device_id = store_result_copy(rows, row, 1, arena),
            .protocol = store_result_copy(rows, row, 2, arena),
            .changed_at = store_result_time(rows, row, 3),
            .was_told = store_result_bool(rows, row, 4) };
        if (!items[row].device_id || !items[row].protocol || !store_result_bytes(rows, row, 5, arena, &bytes, &size))
            return no_memory(err);
        if (!decode_state(&items[row].state, arena, bytes, size, err))
            return false;
    }
    *out_items = items;
    *out_count = count;
    return true;
}

bool sequence_store_told(struct store_session *session, const struct untold_sequence *items, size_t count,
    struct arena *arena, struct err *err)
{
    int32_t *tenants = arena_alloc_array(arena, count, sizeof *tenants);
    const char **ids = arena_alloc_array(arena, count, sizeof *ids);
    int64_t *times = arena_alloc_array(arena, count, sizeof *times);
    if (!tenants || !ids || !times)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        tenants[i] = items[i].tenant_id;
        ids[i] = items[i].device_id;
        times[i] = items[i].changed_at;
    }
    return store_run(session,
        "UPDATE telemetry.device_sequence d SET changed_at = NULL, was_told = true FROM unnest($1::int4[], $2::text[], "
        "$3::timestamptz[]) AS n (tenant_id, device_id, changed_at) WHERE d.tenant_id = n.tenant_id AND d.device_id = "
        "n.device_id::uuid AND d.changed_at = n.changed_at",
        PARAMS(PARAM_INT4S(tenants, count), PARAM_TEXTS(ids, count), PARAM_TIMES(times, count)), NULL, err);
}
