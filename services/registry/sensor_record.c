#include "sensor_record.h"
#include "field.h"
#include "sensor_columns.h"
#include "sensor_unit.h"
#include "transcode/field_value.h"
#include <float.h>
#include <string.h>

static const struct column columns[] = {
    SENSOR_COLUMNS,
    { "low_low", "double precision", 0, NULL, NULL },
    { "low", "double precision", 0, NULL, NULL },
    { "high", "double precision", 0, NULL, NULL },
    { "high_high", "double precision", 0, NULL, NULL },
    { "hysteresis", "double precision", 0, NULL, NULL },
    { "on_delay_s", "double precision", 0, NULL, NULL },
    { "off_delay_s", "double precision", 0, NULL, NULL },
    { 0 },
};
static const struct filter filters[] = { { 0 } };

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessage *message, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
}

/* The fields that both have, by name. */
static void copy_fields(ProtobufCMessage *target, const ProtobufCMessage *source)
{
    for (unsigned i = 0; i < source->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *from = &source->descriptor->fields[i], *to = field_of(target, from->name);
        if (!to || field_is_repeated(from) || field_count(source, from) == 0)
            continue;
        union field_value value = field_get(source, from, 0);
        field_put(target, to, &value);
    }
}

static void check(struct rpc_call *call, struct err *err, const void *message, bool is_new)
{
    const Nwims__V1__SensorRecord *record = message;
    Nwims__V1__Sensor sensor = NWIMS__V1__SENSOR__INIT;
    Nwims__V1__Thresholds thresholds = NWIMS__V1__THRESHOLDS__INIT;
    copy_fields(&sensor.base, &record->base);
    copy_fields(&thresholds.base, &record->base);
    sensor_entity.check(call, err, &sensor, is_new);
    thresholds_check(call, err, &thresholds);
}

const struct entity sensor_record_entity = { .noun = "sensor",
    .plural = "sensors",
    .columns = columns,
    .filters = filters,
    .descriptor = &nwims__v1__sensor_record__descriptor,
    .place = "located_in",
    .check = check };

static bool prepare(struct work *work, ProtobufCMessage *wanted, const ProtobufCMessage *existing, struct err *err)
{
    Nwims__V1__SensorRecord *record = (Nwims__V1__SensorRecord *)wanted;
    if (existing)
        return sensor_unit_check(
            work->call, record->kind, record->unit, ((const Nwims__V1__SensorRecord *)existing)->unit, err);
    const char *unit = sensor_unit_choose(work->call, record->kind, record->unit, err);
    record->unit = (char *)(uintptr_t)unit;
    return unit != NULL;
}

/* What was given, together with what was there. */
static bool review(struct work *work, const ProtobufCMessage *wanted, const ProtobufCMessage *written, struct err *err)
{
    Nwims__V1__Thresholds thresholds = NWIMS__V1__THRESHOLDS__INIT;
    (void)wanted;
    copy_fields(&thresholds.base, written);
    thresholds_check(work->call, err, &thresholds);
    return err->kind == ERR_NONE;
}

const struct bulk_kind bulk_sensors_update = {
    .name = "sensors.update", .plural = "sensors", .entity = &sensor_record_entity, .prepare = prepare, .review = review
};
const struct bulk_kind bulk_sensors_import = { .name = "sensors.import",
    .plural = "sensors",
    .entity = &sensor_record_entity,
    .makes_new = true,
    .is_made_together = true,
    .prepare = prepare,
    .review = review };
