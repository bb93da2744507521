#include "base/clock.h"
#include "front/presence.h"
#include "ingest/kept_body.h"
#include "polled_device.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_AGAIN_MS = 250, SEEN_EVERY_MS = 60000, RENEW_MS = 10000, LEASE_MS = 30000 };
/* OPC UA */
enum { STATUS_BAD = (int)0x80000000, STATUS_BAD_SENSOR_FAILURE = (int)0x808C0000 };

void polled_device_free(struct polled_device *device)
{
    if (!device)
        return;
    modbus_line_free(device->line);
    free(device->profile);
    free(device->configuration);
    free(device);
}

/* ---- who asks ---- */
/* A lease, renewed by writing it; who has not renewed it for LEASE_MS has gone. */
static bool hold_lease(const struct poll_context *context, struct polled_device *device, struct err *err)
{
    int64_t now_us = clock_monotonic_us();
    struct position_key key = { .tenant_id = device->device.tenant_id, .is_lease = true };
    struct position_value value;
    if (device->lease_us != 0 && now_us - device->lease_us < RENEW_MS * INT64_C(1000))
        return true;
    memcpy(key.device_id, device->device.device_id, sizeof key.device_id);
    device->lease_us = 0;
    if (!position_store_read(context->bus, &key, &value, &device->lease_sequence, err))
        return false;
    bool is_theirs = device->lease_sequence != 0 && memcmp(&value.owner, &context->owner, sizeof value.owner) != 0;
    if (is_theirs && clock_now_us() - value.at < LEASE_MS * INT64_C(1000))
        return err_set(err, ERR_CONFLICT, "another replica asks the device");
    value = (struct position_value){ .owner = context->owner };
    if (!position_store_write(context->bus, &key, &value, device->lease_sequence, &device->lease_sequence, err))
        return false;
    device->lease_us = now_us;
    return true;
}

/* ---- reading ---- */
static bool read_blocks(struct polled_device *device, uint16_t (*values)[MODBUS_MOST_REGISTERS], struct err *err)
{
    const struct modbus_profile *profile = device->profile;
    if (!device->line && !(device->line = modbus_line_new(profile)))
        return err_set(err, ERR_LIMIT, "no memory for a connection");
    for (size_t i = 0; i < profile->block_count; i++)
        if (!modbus_line_read(device->line, &profile->blocks[i], values[i], err))
            return err_wrap(err, "block %u of %u registers", profile->blocks[i].first, profile->blocks[i].count);
    return true;
}

static const uint16_t *registers_of(const struct modbus_point *point, uint16_t (*values)[MODBUS_MOST_REGISTERS])
{
    return &values[point->block][point->place];
}

static uint32_t quality_of(const struct modbus_profile *profile, uint16_t (*values)[MODBUS_MOST_REGISTERS])
{
    if (!profile->has_quality)
        return STATUS_GOOD;
    uint16_t bits = *registers_of(&profile->quality, values);
    return bits & profile->bad_bits         ? (uint32_t)STATUS_BAD
           : bits & profile->uncertain_bits ? STATUS_UNCERTAIN
                                            : STATUS_GOOD;
}

/* The time is the period's: two replicas that ask at once, while the lease changes hands, store one reading. */
static bool make_readings(const struct modbus_profile *profile, uint16_t (*values)[MODBUS_MOST_REGISTERS],
    struct raw_readings *out_readings, struct arena *arena, struct err *err)
{
    int64_t period_us = profile->period_ms * 1000;
    int64_t observed_at = clock_now_us() / period_us * period_us;
    uint32_t quality = quality_of(profile, values);
    *out_readings = (struct raw_readings){ .codec = "modbus" };
    out_readings->items = arena_alloc_array(arena, profile->point_count, sizeof *out_readings->items);
    if (!out_readings->items)
        return err_set(err, ERR_LIMIT, "no memory for readings");
    for (size_t i = 0; i < profile->point_count; i++) {
        const struct modbus_point *point = &profile->points[i];
        double raw = modbus_raw_value(point, registers_of(point, values)), value = raw * point->scale + point->offset;
        bool is_invalid = modbus_is_invalid(point, raw) || !isfinite(value);
        out_readings->items[out_readings->count++] = (struct raw_reading){ .sensor = point->sensor,
            .sensor_length = strlen(point->sensor),
            .unit = point->unit[0] != '\0' ? point->unit : NULL,
            .unit_length = strlen(point->unit),
            .value = isfinite(value) ? value : 0, /* a status needs some value to stand beside */
            .observed_at = observed_at,
            .has_time = true,
            .status = is_invalid ? (uint32_t)STATUS_BAD_SENSOR_FAILURE : quality };
    }
    return true;
}

/* ---- storing ---- */
static bool store(const struct poll_context *context, struct polled_device *device, const struct raw_readings *readings,
    struct arena *arena, struct err *err)
{
    struct rpc_caller caller = { .tenant_id = device->device.tenant_id };
    struct intake_result result;
    int64_t end_us = clock_monotonic_us() + device->profile->period_ms * 1000;
    const struct intake_request request = { .caller = &caller,
        .protocol = "tcp",
        .device_id = device->device.device_id,
        .content_type = KEPT_BODY_MODBUS,
        .body = device->configuration,
        .body_size = strlen(device->configuration),
        .mode = INTAKE_SKIP_BAD };
    snprintf(caller.actor, sizeof caller.actor, "device:%s", device->device.device_id);
    trace_begin(&caller.trace, NULL);
    for (;;) {
        *err = (struct err){ 0 };
        if (intake_take(context->intake, &request, readings, arena, &result, err))
            return true;
        bool is_for_now = err->kind == ERR_TRANSIENT || err->kind == ERR_LIMIT || err->kind == ERR_DEADLINE;
        if (!is_for_now || atomic_load(context->is_closing) || clock_monotonic_us() >= end_us)
            return false;
        clock_sleep_ms(STORE_AGAIN_MS);
    }
}

/* ---- presence ---- */
static void tell(const struct poll_context *context, struct polled_device *device, const char *kind)
{
    device->seen_us = clock_monotonic_us();
    presence_tell(context->events, &(struct presence){ .protocol = "tcp",
                                       .kind = kind,
                                       .reason = "error",
                                       .peer = device->profile->host,
                                       .device = &device->device,
                                       .connection_id = &device->connection_id });
}

static void note_reached(const struct poll_context *context, struct polled_device *device, bool is_reached)
{
    bool is_news = is_reached != device->was_reached;
    device->was_reached = is_reached;
    if (is_news && is_reached)
        device->connection_id = uuid_new();
    if (is_news)
        tell(context, device, is_reached ? "connected" : "disconnected");
    else if (is_reached && clock_monotonic_us() - device->seen_us >= SEEN_EVERY_MS * INT64_C(1000))
        tell(context, device, "seen");
}

enum poll_outcome poll_device(
    const struct poll_context *context, struct polled_device *device, struct arena *arena, struct err *err)
{
    struct raw_readings readings;
    uint16_t(*values)[MODBUS_MOST_REGISTERS];
    if (!networks_allow(context->networks, device->profile->host)) {
        err_set(err, ERR_DENIED, "%s is in none of MODBUS_NETWORKS", device->profile->host);
        return POLL_FORBIDDEN;
    }
    if (!hold_lease(context, device, err))
        return POLL_OTHERS;
    values = arena_alloc_array(arena, device->profile->block_count, sizeof *values);
    if (!values || !read_blocks(device, values, err)) {
        bool is_refused = err->kind == ERR_INPUT;
        note_reached(context, device, is_refused);
        return is_refused ? POLL_REFUSED : POLL_SILENT;
    }
    note_reached(context, device, true);
    return make_readings(device->profile, values, &readings, arena, err) &&
                   store(context, device, &readings, arena, err)
               ? POLL_DONE
           : err->kind == ERR_INPUT ? POLL_REFUSED
                                    : POLL_UNSTORED;
}
