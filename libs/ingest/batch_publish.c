#include "ingest/batch_publish.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "ingest/provenance.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A batch is one message, and so one transaction, where the server takes that much (ours do: 8 MB). Under NATS' preset
 * of 1 MiB it goes in parts, and all or nothing ends where somebody dies between two of them. */
enum {
    BYTES_A_READING = 29, /* at the most */
    ENVELOPE_BYTES = 64 * 1024,
    READINGS_A_PART = 20000, /* that fit anywhere */
    MOST_PARTS = INTAKE_MOST_READINGS / READINGS_A_PART,
    MESSAGE_ID_SIZE = 2 * UUID_TEXT_SIZE
};

static size_t most_a_part(const struct bus *bus)
{
    size_t largest = bus_largest_message(bus);
    bool has_room = largest >= ENVELOPE_BYTES + (size_t)BYTES_A_READING * INTAKE_MOST_READINGS;
    return has_room ? INTAKE_MOST_READINGS : READINGS_A_PART;
}

struct uuid uuid_of_bytes(const void *bytes, size_t size)
{
    unsigned char digest[SHA256_SIZE];
    struct uuid uuid;
    auth_sha256(digest, bytes, size);
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    uuid.bytes[6] = (unsigned char)((uuid.bytes[6] & 0x0f) | 0x80);
    uuid.bytes[8] = (unsigned char)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

/* Those being waited for; closed together. */
struct expectations {
    struct bus_expectation *items[MOST_PARTS];
    size_t count;
};
static void expectations_done(struct expectations *expectations)
{
    for (size_t i = 0; i < expectations->count; i++)
        bus_expectation_close(expectations->items[i]);
}

struct part {
    const struct batch_outlet *outlet;
    const struct batch_source *source;
    struct uuid id;
    const char *commit_to; /* NULL: nobody waits */
    const struct device_mark *marks;
    size_t mark_count;
    struct buffer *body;
};

static struct uuid id_of_part(const struct uuid *batch_id, size_t index)
{
    unsigned char bytes[sizeof batch_id->bytes + 1];
    if (index == 0)
        return *batch_id;
    memcpy(bytes, batch_id->bytes, sizeof batch_id->bytes);
    bytes[sizeof bytes - 1] = (unsigned char)index;
    return uuid_of_bytes(bytes, sizeof bytes);
}

/* ---- marks ---- */
/* protobuf-c wants a pointer to each. */
struct wire_marks {
    Nwims__V1__SequenceMark *items, **pointers;
};
static void wire_marks_done(struct wire_marks *marks)
{
    free(marks->items);
    free(marks->pointers);
}

static bool fill_marks(
    struct wire_marks *out, Nwims__V1__ReadingBatch *batch, const struct batch_label *label, struct err *err)
{
    if (label->mark_count == 0)
        return true;
    out->items = calloc(label->mark_count, sizeof *out->items);
    out->pointers = calloc(label->mark_count, sizeof *out->pointers);
    if (!out->items || !out->pointers)
        return err_set(err, ERR_LIMIT, "no memory for %zu marks", label->mark_count);
    for (size_t i = 0; i < label->mark_count; i++) {
        const struct device_mark *mark = &label->marks[i];
        Nwims__V1__SequenceMark *item = out->pointers[i] = &out->items[i];
        *item = (Nwims__V1__SequenceMark)NWIMS__V1__SEQUENCE_MARK__INIT;
        item->has_device_id = item->has_first = item->has_last = true;
        item->device_id.len = sizeof mark->device.bytes;
        item->device_id.data = (uint8_t *)(uintptr_t)mark->device.bytes;
        item->first = mark->mark.first;
        item->last = mark->mark.last;
        item->has_at = mark->mark.has_at;
        item->at = mark->mark.at;
    }
    batch->n_sequence = label->mark_count;
    batch->sequence = out->pointers;
    return true;
}

/* Those of the body, for its device: with the first part. */
static bool marks_of_request(struct part *part, struct arena *arena, struct err *err)
{
    const struct raw_readings *readings = part->source->readings;
    const char *device_id = part->source->request->device_id;
    struct uuid device;
    if (readings->mark_count == 0 || !device_id || !uuid_parse(device_id, strlen(device_id), &device))
        return true;
    struct device_mark *marks = arena_alloc_array(arena, readings->mark_count, sizeof *marks);
    if (!marks)
        return err_set(err, ERR_LIMIT, "no memory for %zu marks", readings->mark_count);
    for (size_t i = 0; i < readings->mark_count; i++)
        marks[i] = (struct device_mark){ device, readings->marks[i] };
    part->marks = marks;
    part->mark_count = readings->mark_count;
    return true;
}

/* ---- one message ---- */
bool batch_encode(struct buffer *out, const struct batch_label *label, const struct batch_columns *columns,
    size_t first, size_t count, struct err *err)
{
    Nwims__V1__ReadingBatch batch = NWIMS__V1__READING_BATCH__INIT;
    Nwims__V1__Provenance provenance;
    AUTO_INPLACE(wire_marks) marks = { 0 };
    struct uuid id = label->id;
    provenance_fill(&provenance, label->request, label->codec);
    batch.has_batch_id = batch.has_tenant_id = batch.has_received_at = batch.has_base_at = true;
    batch.batch_id = (ProtobufCBinaryData){ sizeof id.bytes, id.bytes };
    batch.tenant_id = label->request->caller->tenant_id;
    batch.received_at = label->received_at;
    batch.base_at = count > 0 ? columns->observed_at[first] : 0;
    for (size_t i = first; i < first + count; i++)
        columns->observed_at[i] -= batch.base_at;
    batch.n_sensor_no = batch.n_observed_delta_us = batch.n_value = count;
    if (count > 0) {
        batch.sensor_no = columns->sensor_no + first;
        batch.observed_delta_us = columns->observed_at + first;
        batch.value = columns->value + first;
    }
    batch.n_status = columns->has_status ? count : 0;
    batch.status = columns->has_status ? columns->status + first : NULL;
    batch.n_flags = columns->has_flags ? count : 0;
    batch.flags = columns->has_flags ? columns->flags + first : NULL;
    batch.provenance = &provenance;
    buffer_reset(out);
    return fill_marks(&marks, &batch, label, err) && wire_encode(out, &batch.base, err);
}

static bool encode_part(
    const struct part *part, const struct batch_columns *columns, size_t first, size_t count, struct err *err)
{
    const struct batch_label label = { .id = part->id,
        .request = part->source->request,
        .codec = part->source->readings->codec,
        .received_at = part->source->received_at,
        .marks = part->marks,
        .mark_count = part->mark_count };
    return batch_encode(part->body, &label, columns, first, count, err);
}

static bool send_part(const struct part *part, const char *message_id, struct bus_place *out_place, struct err *err)
{
    const struct intake_request *request = part->source->request;
    char subject[64], traceparent[TRACEPARENT_SIZE];
    struct trace child;
    snprintf(subject, sizeof subject, "readings.%" PRId32 ".%s", request->caller->tenant_id, request->protocol);
    trace_child(&child, &request->caller->trace);
    trace_format(traceparent, &child);
    const struct bus_header headers[] = { { "traceparent", traceparent }, { "Nwims-Commit-To", part->commit_to } };
    const struct bus_outgoing message = { .subject = subject,
        .data = part->body->data,
        .size = part->body->size,
        .headers = headers,
        .header_count = part->commit_to ? 2 : 1 };
    return bus_publish_at(part->outlet->bus, &message, message_id, part->outlet->publish_ms, out_place, err);
}

/* A repeat that the stream drops is answered to whoever sent it first. When our caller waits too it goes in once more
 * under an id of its own: storing twice is harmless, and the answer says how many were there. Not if we stamped it: its
 * times are other ones now. */
static bool publish_part(
    const struct part *part, bool may_repeat, bool *out_is_answered, struct bus_place *out_place, struct err *err)
{
    char message_id[MESSAGE_ID_SIZE];
    uuid_format(message_id, &part->id);
    if (!send_part(part, message_id, out_place, err))
        return false;
    *out_is_answered = part->commit_to != NULL && !out_place->is_duplicate;
    if (!out_place->is_duplicate || !part->commit_to || !may_repeat)
        return true;
    struct uuid own = uuid_new();
    message_id[UUID_TEXT_SIZE - 1] = '.';
    uuid_format(message_id + UUID_TEXT_SIZE, &own);
    *out_is_answered = true;
    return send_part(part, message_id, out_place, err);
}

/* NULL when nobody is to wait, or too many do: then the answer is "accepted", which is true. */
static const char *expect(
    const struct batch_outlet *outlet, const struct intake_request *request, struct expectations *expectations)
{
    struct err full = { 0 };
    if (request->commit_wait_ms <= 0 ||
        !bus_inbox_expect(&expectations->items[expectations->count], outlet->inbox, &full))
        return NULL;
    return bus_expectation_subject(expectations->items[expectations->count++]);
}

static bool read_commit(
    const struct bus_message *message, struct intake_result *result, struct arena *arena, struct err *err)
{
    ProtobufCMessage *decoded;
    if (!wire_decode(&decoded, arena, &nwims__v1__commit_result__descriptor, bus_message_data(message),
            bus_message_size(message), err))
        return err_wrap(err, "the result of the commit");
    const Nwims__V1__CommitResult *commit = (const Nwims__V1__CommitResult *)decoded;
    if (commit->error)
        return err_set(err, ERR_BUG, "the batch cannot be stored and was set aside: %s", commit->error);
    result->stored += commit->stored;
    result->duplicate += commit->duplicate;
    return true;
}

/* Not to know in time is no failure. */
static bool await_commits(struct expectations *expectations, int64_t deadline_us, struct intake_result *result,
    struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < expectations->count; i++) {
        AUTO(bus_message) message = NULL;
        struct err late = { 0 };
        int64_t left_ms = (deadline_us - clock_monotonic_us()) / 1000;
        if (!bus_expectation_wait(expectations->items[i], left_ms > 0 ? left_ms : 0, &message, &late)) {
            result->stored = result->duplicate = 0;
            return true;
        }
        if (!read_commit(message, result, arena, err))
            return false;
    }
    result->is_committed = true;
    return true;
}

/* Some parts are in and some are not: only the same request again makes it whole. */
static bool fail_at_part(size_t index, struct err *err)
{
    if (index == 0)
        return false;
    err->kind = ERR_DEADLINE;
    return err_wrap(err, "a part of the batch is stored and the rest is not; send it again");
}

bool batch_publish(const struct batch_outlet *outlet, const struct batch_source *source,
    const struct batch_columns *columns, const struct uuid *batch_id, struct intake_result *out_result,
    struct arena *arena, struct err *err)
{
    AUTO_INPLACE(expectations) expectations = { .count = 0 };
    AUTO_INPLACE(buffer) body = { .ceiling_bytes = WIRE_LARGEST_MESSAGE };
    struct part part = { .outlet = outlet, .source = source, .body = &body };
    int64_t deadline_us = clock_monotonic_us() + source->request->commit_wait_ms * 1000;
    bool all_answered = true, all_duplicate = true;
    size_t most = most_a_part(outlet->bus);
    if (!marks_of_request(&part, arena, err))
        return false;
    for (size_t first = 0, index = 0; first < columns->count || index == 0; first += most, index++) {
        size_t count = columns->count - first < most ? columns->count - first : most;
        bool is_answered = false;
        struct bus_place place = { 0 };
        part.id = id_of_part(batch_id, index);
        part.commit_to = expect(outlet, source->request, &expectations);
        if (!encode_part(&part, columns, first, count, err) ||
            !publish_part(&part, !columns->has_our_time, &is_answered, &place, err))
            return fail_at_part(index, err);
        part.mark_count = 0;
        all_answered = all_answered && is_answered;
        all_duplicate = all_duplicate && place.is_duplicate;
        out_result->stream_sequence = columns->count <= most ? place.sequence : 0;
    }
    out_result->is_repeat = all_duplicate;
    out_result->accepted = (int64_t)columns->count;
    return !all_answered || await_commits(&expectations, deadline_us, out_result, arena, err);
}
