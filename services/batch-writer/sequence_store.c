#include "sequence_store.h"
#include "base/buffer.h"
#include "ingest/gap_event.h"
#include "nwims/v1/positions.pb-c.h"
#include "store/store_timer.h"
#include "wire/wire.h"
#include <stdlib.h>
#include <string.h>

/* A message of marks is bounded by what the bus carries. */
enum { STATE_BYTES = 4096, MARKS_BYTES = WIRE_LARGEST_MESSAGE };

/* One mark of one message. */
struct entry {
    int32_t tenant_id;
    struct uuid device;
    size_t number; /* in the order of the stream */
    const char *protocol;
    struct sequence_mark mark;
};
struct entries {
    struct entry *items;
    size_t count;
};
/* The devices that the entries are of, in their order: parallel arrays for unnest. */
struct devices {
    size_t count;
    int32_t *tenants, *changed;
    const char **ids, **protocols, **states;
    struct sequence_state *known;
};

/* ---- bytes ---- */
static bool no_memory(struct err *err)
{
    return err_set(err, ERR_LIMIT, "no memory to follow the sequences of devices");
}

/* In hex: an array of bytea is no parameter that the store knows. NULL with err. */
static const char *encode_hex(const ProtobufCMessage *message, size_t most, struct arena *arena, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = most };
    if (!wire_encode(&bytes, message, err))
        return NULL;
    char *text = arena_alloc(arena, 2 * bytes.size + 1);
    if (!text) {
        no_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        text[2 * i] = digits[(unsigned char)bytes.data[i] >> 4];
        text[2 * i + 1] = digits[(unsigned char)bytes.data[i] & 15];
    }
    text[2 * bytes.size] = '\0';
    return text;
}

/* ---- putting ---- */
static const char *encode_marks(const struct batch *batch, struct arena *arena, struct err *err)
{
    Nwims__V1__SequenceMarks marks = NWIMS__V1__SEQUENCE_MARKS__INIT;
    marks.n_marks = batch->wire->n_sequence;
    marks.marks = batch->wire->sequence;
    marks.protocol = batch->wire->provenance ? batch->wire->provenance->protocol : NULL;
    marks.has_received_at = true;
    marks.received_at = batch->wire->received_at;
    return encode_hex(&marks.base, MARKS_BYTES, arena, err);
}

static bool is_to_be_put(const struct batch *batch)
{
    return !batch->is_committed && batch->wire->n_sequence > 0;
}

bool sequence_store_put(struct store_session *session, int64_t stream_epoch, const struct batch *batches, size_t count,
    struct arena *arena, struct err *err)
{
    size_t wanted = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        wanted += is_to_be_put(&batches[i]);
    if (wanted == 0)
        return true;
    int64_t *places = arena_alloc_array(arena, wanted, sizeof *places);
    int32_t *tenants = arena_alloc_array(arena, wanted, sizeof *tenants);
    const char **marks = arena_alloc_array(arena, wanted, sizeof *marks);
    if (!places || !tenants || !marks)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (!is_to_be_put(&batches[i]))
            continue;
        places[at] = (int64_t)batches[i].sequence;
        tenants[at] = batches[i].wire->tenant_id;
        if (!(marks[at++] = encode_marks(&batches[i], arena, err)))
            return false;
    }
    return store_run(session,
               "INSERT INTO telemetry.sequence_due (stream_epoch, stream_sequence, tenant_id, marks) SELECT $1::int8, "
               "n.place, n.tenant_id, decode(n.marks, 'hex') FROM unnest($2::int8[], $3::int4[], $4::text[]) AS n "
               "(place, tenant_id, marks)",
               PARAMS(
                   PARAM_INT(stream_epoch), PARAM_INT8S(places, at), PARAM_INT4S(tenants, at), PARAM_TEXTS(marks, at)),
               NULL, err) ||
           err_wrap(err, "numbers of records");
}

/* ---- the marks ---- */
/* A clock that is more than a day ahead tells nothing. */
static bool read_mark(
    struct entry *entry, const Nwims__V1__SequenceMark *mark, const Nwims__V1__SequenceMarks *of, int32_t tenant_id)
{
    if (mark->device_id.len != sizeof entry->device.bytes || mark->last < mark->first || mark->last > SEQUENCE_HIGHEST)
        return false;
    *entry = (struct entry){ .tenant_id = tenant_id,
        .protocol = of->protocol ? of->protocol : "",
        .mark = { .first = mark->first,
            .last = mark->last,
            .at = mark->at,
            .has_at = mark->has_at && mark->at >= BATCH_OLDEST_AT && mark->at <= of->received_at + DAY_US } };
    memcpy(entry->device.bytes, mark->device_id.data, sizeof entry->device.bytes);
    return true;
}

static int by_device(const struct entry *a, const struct entry *b)
{
    if (a->tenant_id != b->tenant_id)
        return a->tenant_id < b->tenant_id ? -1 : 1;
    return memcmp(a->device.bytes, b->device.bytes, sizeof a->device.bytes);
}

static int by_device_and_number(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = by_device(a, b);
    return order != 0 ? order : a->number < b->number ? -1 : 1;
}

/* The rows of sequence_due, oldest first; decoded each, then laid out in one list. */
static bool collect(struct entries *entries, const struct store_result *rows, struct arena *arena, struct err *err)
{
    size_t count = store_result_rows(rows), most = 0;
    const Nwims__V1__SequenceMarks **all = arena_alloc_array(arena, count, sizeof *all);
    for (size_t row = 0; all && row < count; row++) {
        ProtobufCMessage *decoded;
        unsigned char *bytes;
        size_t size;
        if (!store_result_bytes(rows, row, 3, arena, &bytes, &size))
            return no_memory(err);
        if (!wire_decode(&decoded, arena, &nwims__v1__sequence_marks__descriptor, bytes, size, err))
            return err_wrap(err, "numbers of records");
        all[row] = (const Nwims__V1__SequenceMarks *)decoded;
        most += all[row]->n_marks;
    }
    *entries = (struct entries){ .items = arena_alloc_array(arena, most, sizeof *entries->items) };
    if (!all || !entries->items)
        return no_memory(err);
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < all[row]->n_marks; i++) {
            struct entry *entry = &entries->items[entries->count];
            if (read_mark(entry, all[row]->marks[i], all[row], (int32_t)store_result_int(rows, row, 2)))
                entry->number = entries->count++;
        }
    if (entries->count > 1)
        qsort(entries->items, entries->count, sizeof *entries->items, by_device_and_number);
    return true;
}

static bool name_devices(struct devices *devices, const struct entries *all, struct arena *arena, struct err *err)
{
    const struct entry *entries = all->items;
    size_t count = all->count;
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
        .gaps = { .missed = wire->missed,
            .late = wire->late,
            .forgotten = wire->forgotten,
            .forgotten_until = wire->forgotten_until } };
    return gap_ranges_read(&state->gaps, wire->missing, wire->n_missing) ||
           err_set(err, ERR_BUG, "the sequence of a device has gaps that cannot be");
}

static const char *encode_state(const struct sequence_state *state, struct arena *arena, struct err *err)
{
    Nwims__V1__DeviceSequenceState wire = NWIMS__V1__DEVICE_SEQUENCE_STATE__INIT;
    struct gap_ranges ranges;
    const struct sequence_gaps *gaps = &state->gaps;
    gap_ranges_fill(&ranges, gaps);
    wire.has_epoch = wire.has_high = true;
    wire.epoch = state->epoch;
    wire.high = state->high;
    wire.has_high_at = state->has_high_at;
    wire.high_at = state->high_at;
    wire.n_missing = gaps->count;
    wire.missing = ranges.pointers;
    wire.has_missed = wire.has_late = gaps->missed > 0;
    wire.missed = gaps->missed;
    wire.late = gaps->late;
    wire.has_forgotten = wire.has_forgotten_until = gaps->forgotten > 0;
    wire.forgotten = gaps->forgotten;
    wire.forgotten_until = gaps->forgotten_until;
    return encode_hex(&wire.base, STATE_BYTES, arena, err);
}

/* ---- rows ---- */
static bool read_rows(struct store_session *session, struct devices *devices, struct arena *arena, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT n.place, d.state FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY AS n (tenant_id, device_id, "
            "place) JOIN telemetry.device_sequence d ON d.tenant_id = n.tenant_id AND d.device_id = n.device_id::uuid",
            PARAMS(PARAM_INT4S(devices->tenants, devices->count), PARAM_TEXTS(devices->ids, devices->count)), err))
        return false;
    for (size_t row = 0; row < store_result_rows(rows); row++) {
        unsigned char *bytes;
        size_t size, at = (size_t)store_result_int(rows, row, 0) - 1;
        if (!store_result_bytes(rows, row, 1, arena, &bytes, &size))
            return no_memory(err);
        if (!decode_state(&devices->known[at], arena, bytes, size, err))
            return false;
    }
    return true;
}

static bool write_rows(struct store_session *session, struct devices *devices, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < devices->count; i++)
        if (!(devices->states[i] = encode_state(&devices->known[i], arena, err)))
            return false;
    return store_run(session,
        "INSERT INTO telemetry.device_sequence AS d (tenant_id, device_id, protocol, state, changed_at) SELECT "
        "n.tenant_id, n.device_id::uuid, n.protocol, decode(n.state, 'hex'), CASE WHEN n.changed = 1 THEN now() END "
        "FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int4[]) AS n (tenant_id, device_id, protocol, "
        "state, changed) ON CONFLICT (tenant_id, device_id) DO UPDATE SET state = EXCLUDED.state, protocol = "
        "EXCLUDED.protocol, changed_at = coalesce(EXCLUDED.changed_at, d.changed_at)",
        PARAMS(PARAM_INT4S(devices->tenants, devices->count), PARAM_TEXTS(devices->ids, devices->count),
            PARAM_TEXTS(devices->protocols, devices->count), PARAM_TEXTS(devices->states, devices->count),
            PARAM_INT4S(devices->changed, devices->count)),
        NULL, err);
}

static void follow(struct devices *devices, const struct entries *entries)
{
    size_t at = 0;
    for (size_t i = 0; i < entries->count; i++) {
        at += i > 0 && by_device(&entries->items[i - 1], &entries->items[i]) != 0;
        if (sequence_state_take(&devices->known[at], &entries->items[i].mark))
            devices->changed[at] = 1;
    }
}

/* ---- taking ---- */
static bool follow_rows(
    struct store_session *session, const struct store_result *rows, struct arena *arena, struct err *err)
{
    struct entries entries;
    struct devices devices;
    if (!collect(&entries, rows, arena, err))
        return false;
    if (entries.count == 0)
        return true;
    if (!name_devices(&devices, &entries, arena, err) || !read_rows(session, &devices, arena, err))
        return false;
    follow(&devices, &entries);
    return write_rows(session, &devices, arena, err);
}

static bool remove_rows(
    struct store_session *session, const struct store_result *rows, struct arena *arena, struct err *err)
{
    size_t count = store_result_rows(rows);
    int64_t *epochs = arena_alloc_array(arena, count, sizeof *epochs);
    int64_t *places = arena_alloc_array(arena, count, sizeof *places);
    if (!epochs || !places)
        return no_memory(err);
    for (size_t row = 0; row < count; row++) {
        epochs[row] = store_result_int(rows, row, 0);
        places[row] = store_result_int(rows, row, 1);
    }
    return store_run(session,
        "DELETE FROM telemetry.sequence_due d USING unnest($1::int8[], $2::int8[]) AS n (epoch, place) WHERE "
        "d.stream_epoch = n.epoch AND d.stream_sequence = n.place",
        PARAMS(PARAM_INT8S(epochs, count), PARAM_INT8S(places, count)), NULL, err);
}

static bool take_oldest(struct store_session *session, int64_t stream_epoch, int64_t stored_to, size_t most,
    struct arena *arena, size_t *out_taken, struct err *err)
{
    AUTO(store_result) rows = NULL;
    bool is_mine = false;
    if (!store_begin(session, 0, err) || !store_try_lock(session, "telemetry.sequence_due", &is_mine, err))
        return false;
    if (!is_mine)
        return store_commit(session, err);
    if (!store_query(session, &rows,
            "SELECT stream_epoch, stream_sequence, tenant_id, marks FROM telemetry.sequence_due WHERE stream_epoch < "
            "$1::int8 OR (stream_epoch = $1::int8 AND stream_sequence <= $2::int8) ORDER BY stream_epoch, "
            "stream_sequence LIMIT $3",
            PARAMS(PARAM_INT(stream_epoch), PARAM_INT(stored_to), PARAM_INT((int64_t)most)), err))
        return false;
    if (store_result_rows(rows) > 0 &&
        (!follow_rows(session, rows, arena, err) || !remove_rows(session, rows, arena, err)))
        return false;
    *out_taken = store_result_rows(rows);
    return store_commit(session, err);
}

bool sequence_store_take(struct store_session *session, int64_t stream_epoch, int64_t stored_to, size_t most,
    struct arena *arena, size_t *out_taken, struct err *err)
{
    *out_taken = 0;
    arena_reset(arena);
    if (take_oldest(session, stream_epoch, stored_to, most, arena, out_taken, err))
        return true;
    store_rollback(session);
    return false;
}

/* ---- what is to be told ---- */
bool sequence_store_untold(struct store_session *session, size_t most, struct arena *arena,
    struct untold_sequence **out_items, size_t *out_count, struct err *err)
{
    AUTO(store_result) rows = NULL;
    if (!store_query(session, &rows,
            "SELECT tenant_id, device_id::text, protocol, changed_at, was_told, state FROM telemetry.device_sequence "
            "WHERE changed_at IS NOT NULL ORDER BY changed_at LIMIT $1",
            PARAMS(PARAM_INT((int64_t)most)), err))
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
