#include "ingest/gather_batch.h"
#include "base/text.h"
#include "wire/wire.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 32 };

struct gather_batch *gather_batch_new(struct gather *gather, struct gather_tenant *tenant)
{
    struct gather_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return NULL;
    batch->gather = gather;
    batch->tenant = tenant;
    batch->body.ceiling_bytes = WIRE_LARGEST_MESSAGE;
    return batch;
}

static void free_columns(struct gather_batch *batch)
{
    free(batch->columns.sensor_no);
    free(batch->columns.observed_at);
    free(batch->columns.value);
    free(batch->columns.status);
    free(batch->columns.flags);
    free(TAKE(batch->marks));
    batch->mark_count = batch->mark_capacity = 0;
    size_t count = batch->columns.count;
    batch->columns = (struct batch_columns){ .count = count };
    batch->capacity = 0;
}

void gather_batch_free(struct gather_batch *batch)
{
    if (!batch)
        return;
    free_columns(batch);
    free(batch->tickets);
    buffer_done(&batch->body);
    free(batch);
}

static bool grow_array(void *array_pointer, size_t capacity, size_t size)
{
    void **array = array_pointer;
    void *grown = reallocarray(*array, capacity, size);
    if (grown)
        *array = grown;
    return grown != NULL;
}

static bool grow(struct gather_batch *batch, size_t wanted)
{
    struct batch_columns *columns = &batch->columns;
    size_t capacity = batch->capacity ? batch->capacity : FIRST_CAPACITY;
    if (wanted <= batch->capacity)
        return true;
    while (capacity < wanted)
        capacity *= 2;
    if (!grow_array(&columns->sensor_no, capacity, sizeof *columns->sensor_no) ||
        !grow_array(&columns->observed_at, capacity, sizeof *columns->observed_at) ||
        !grow_array(&columns->value, capacity, sizeof *columns->value) ||
        !grow_array(&columns->status, capacity, sizeof *columns->status) ||
        !grow_array(&columns->flags, capacity, sizeof *columns->flags))
        return false;
    batch->capacity = capacity;
    return true;
}

static bool add_ticket(struct gather_batch *batch, const struct gather_ticket *ticket)
{
    if (!ticket)
        return true;
    if (batch->ticket_count == batch->ticket_capacity) {
        size_t capacity = batch->ticket_capacity ? 2 * batch->ticket_capacity : FIRST_CAPACITY;
        if (!grow_array(&batch->tickets, capacity, sizeof *batch->tickets))
            return false;
        batch->ticket_capacity = capacity;
    }
    batch->tickets[batch->ticket_count++] = *ticket;
    return true;
}

static bool add_marks(
    struct gather_batch *batch, const struct intake_request *request, const struct raw_readings *readings)
{
    struct uuid device;
    size_t wanted = batch->mark_count + readings->mark_count, capacity = batch->mark_capacity;
    if (readings->mark_count == 0 || !request->device_id ||
        !uuid_parse(request->device_id, strlen(request->device_id), &device))
        return true;
    while (capacity < wanted)
        capacity = capacity ? 2 * capacity : FIRST_CAPACITY;
    if (capacity > batch->mark_capacity && !grow_array(&batch->marks, capacity, sizeof *batch->marks))
        return false;
    batch->mark_capacity = capacity;
    for (size_t i = 0; i < readings->mark_count; i++)
        batch->marks[batch->mark_count++] = (struct device_mark){ device, readings->marks[i] };
    return true;
}

static void note_source(struct gather_batch *batch, const struct intake_request *request, const char *codec)
{
    const char *device_id = request->device_id ? request->device_id : "";
    if (batch->columns.count == 0) {
        batch->is_of_many_devices = !text_copy(batch->device_id, sizeof batch->device_id, device_id, strlen(device_id));
        batch->codec = codec;
        return;
    }
    batch->is_of_many_devices = batch->is_of_many_devices || strcmp(batch->device_id, device_id) != 0;
    batch->codec = text_equal(batch->codec, codec) ? batch->codec : NULL;
}

bool gather_batch_add(struct gather_batch *batch, const struct batch_columns *columns,
    const struct intake_request *request, const struct raw_readings *readings, const struct gather_ticket *ticket)
{
    size_t at = batch->columns.count, count = columns->count;
    if (!grow(batch, at + count) || !add_marks(batch, request, readings) || !add_ticket(batch, ticket))
        return false;
    note_source(batch, request, readings->codec);
    memcpy(batch->columns.sensor_no + at, columns->sensor_no, count * sizeof *columns->sensor_no);
    memcpy(batch->columns.observed_at + at, columns->observed_at, count * sizeof *columns->observed_at);
    memcpy(batch->columns.value + at, columns->value, count * sizeof *columns->value);
    memcpy(batch->columns.status + at, columns->status, count * sizeof *columns->status);
    memcpy(batch->columns.flags + at, columns->flags, count * sizeof *columns->flags);
    batch->columns.has_status = batch->columns.has_status || columns->has_status;
    batch->columns.has_flags = batch->columns.has_flags || columns->has_flags;
    batch->columns.count += count;
    return true;
}

bool gather_batch_close(struct gather_batch *batch, int32_t tenant_id, const char *protocol, struct err *err)
{
    const struct rpc_caller caller = { .tenant_id = tenant_id, .actor = "devices" };
    const struct intake_request request = {
        .caller = &caller, .protocol = protocol, .device_id = batch->is_of_many_devices ? NULL : batch->device_id
    };
    const struct batch_label label = { .id = batch->id,
        .request = &request,
        .codec = batch->codec,
        .received_at = batch->received_at,
        .marks = batch->marks,
        .mark_count = batch->mark_count };
    if (!batch_encode(&batch->body, &label, &batch->columns, 0, batch->columns.count, err))
        return false;
    free_columns(batch);
    return true;
}
