#include "ingest/codec.h"
#include "ingest/raw_list.h"
#include "nwims/v1/readings.pb-c.h"
#include <string.h>

/* Of one sensor of the upload. */
struct name {
    const char *unit;
    size_t length, unit_length;
};

static bool check_columns(const Nwims__V1__ReadingUpload *upload, struct err *err)
{
    size_t count = upload->n_value;
    if (upload->n_sensor != count)
        return err_set(err, ERR_INPUT, "sensor has %zu entries and value %zu", upload->n_sensor, count);
    if (upload->n_observed_delta_us != 0 && upload->n_observed_delta_us != count)
        return err_set(err, ERR_INPUT, "observed_delta_us has neither none nor %zu entries", count);
    if (upload->n_observed_delta_us != 0 && !upload->has_base_at)
        return err_set(err, ERR_INPUT, "observed_delta_us wants base_at");
    if (upload->n_status != 0 && upload->n_status != count)
        return err_set(err, ERR_INPUT, "status has neither none nor %zu entries", count);
    if (upload->n_unit != 0 && upload->n_unit != upload->n_sensor_id)
        return err_set(err, ERR_INPUT, "unit has neither none nor as many entries as sensor_id");
    return true;
}

static struct name *make_names(const Nwims__V1__ReadingUpload *upload, struct arena *arena)
{
    struct name *names = arena_alloc_array(arena, upload->n_sensor_id + 1, sizeof *names);
    for (size_t i = 0; names && i < upload->n_sensor_id; i++) {
        const char *unit = upload->n_unit > 0 && upload->unit[i][0] ? upload->unit[i] : NULL;
        names[i] = (struct name){
            .unit = unit, .length = strlen(upload->sensor_id[i]), .unit_length = unit ? strlen(unit) : 0
        };
    }
    return names;
}

static void fill_time(struct raw_reading *reading, const Nwims__V1__ReadingUpload *upload, size_t i)
{
    int64_t delta = upload->n_observed_delta_us > 0 ? upload->observed_delta_us[i] : 0;
    if (!upload->has_base_at)
        return;
    if (__builtin_add_overflow(upload->base_at, delta, &reading->observed_at))
        raw_reading_fault(reading, "timestamp", "base_at and observed_delta_us give no time");
    else
        reading->has_time = true;
}

static void fill(
    struct raw_reading *reading, const Nwims__V1__ReadingUpload *upload, const struct name *names, size_t i)
{
    size_t sensor = upload->sensor[i];
    reading->value = upload->value[i];
    reading->status = upload->n_status > 0 ? upload->status[i] : 0;
    fill_time(reading, upload, i);
    if (sensor >= upload->n_sensor_id || names[sensor].length == 0) {
        raw_reading_fault(reading, "sensor_id", "sensor is no place in sensor_id, or the text there is empty");
        return;
    }
    reading->sensor = upload->sensor_id[sensor];
    reading->sensor_length = names[sensor].length;
    reading->unit = names[sensor].unit;
    reading->unit_length = names[sensor].unit_length;
}

bool codec_protobuf_decode(
    struct raw_readings *out_readings, struct arena *arena, const void *body, size_t size, struct err *err)
{
    ProtobufCMessage *message;
    struct raw_list list = { .arena = arena };
    if (!wire_decode(&message, arena, &nwims__v1__reading_upload__descriptor, body, size, err))
        return false;
    const Nwims__V1__ReadingUpload *upload = (const Nwims__V1__ReadingUpload *)message;
    if (!check_columns(upload, err))
        return false;
    const struct name *names = make_names(upload, arena);
    if (!names)
        return err_set(err, ERR_LIMIT, "no memory left for the names of %zu sensors", upload->n_sensor_id);
    list.first_capacity = upload->n_value;
    for (size_t i = 0; i < upload->n_value; i++) {
        struct raw_reading *reading = raw_list_add(&list, err);
        if (!reading)
            return false;
        fill(reading, upload, names, i);
    }
    *out_readings = (struct raw_readings){ list.items, list.count, "protobuf" };
    return true;
}
