#include "ingest/batch_builder.h"
#include "ingest/time_rule.h"
#include "ingest/unit.h"
#include <math.h>
#include <string.h>

/* So many sensors are looked up at a time: what is known of them takes 200 bytes each. */
enum { LOOKED_UP_AT_A_TIME = 8192, MOST_SHOWN = 64 };

struct builder {
    const struct batch_source *source;
    struct batch_columns columns;
    struct refusals *refusals;
    struct { /* the unit found last: the readings of a batch rarely have many */
        const char *text;
        size_t length;
        const struct unit *unit;
    } last_unit;
};

static bool make_columns(struct batch_columns *columns, size_t count, struct arena *arena)
{
    columns->sensor_no = arena_alloc_array(arena, count, sizeof *columns->sensor_no);
    columns->observed_at = arena_alloc_array(arena, count, sizeof *columns->observed_at);
    columns->value = arena_alloc_array(arena, count, sizeof *columns->value);
    columns->status = arena_alloc_array(arena, count, sizeof *columns->status);
    columns->flags = arena_alloc_array(arena, count, sizeof *columns->flags);
    return columns->sensor_no && columns->observed_at && columns->value && columns->status && columns->flags;
}

static int shown(size_t length)
{
    return (int)(length < MOST_SHOWN ? length : MOST_SHOWN);
}

static enum refusal_reason reason_of_field(const char *field)
{
    static const char *const values[] = { "value", "v", "vs", "vb", "vd" };
    for (size_t i = 0; field && i < COUNT_OF(values); i++)
        if (strcmp(field, values[i]) == 0)
            return REFUSAL_BAD_VALUE;
    return field && (strcmp(field, "timestamp") == 0 || strcmp(field, "t") == 0) ? REFUSAL_BAD_TIME : REFUSAL_MALFORMED;
}

/* Each check_... is true if the reading stands it, else the refusal is noted. */
static bool refused(
    struct builder *builder, size_t index, enum refusal_reason reason, const char *field, const char *why)
{
    refusals_add(builder->refusals, index, reason, field, "%s", why);
    return false;
}

static bool check_sensor(
    struct builder *builder, size_t index, const struct raw_reading *reading, const struct directory_sensor *sensor)
{
    const char *device_id = builder->source->request->device_id;
    if (sensor->sensor_no == 0) {
        refusals_add(builder->refusals, index, REFUSAL_UNKNOWN_SENSOR, "sensor_id",
            "there is no sensor \"%.*s\": register it, or check the code", shown(reading->sensor_length),
            reading->sensor);
        return false;
    }
    if (sensor->is_disabled)
        return refused(builder, index, REFUSAL_DISABLED_SENSOR, "sensor_id", "the sensor is disabled");
    if (device_id && sensor->device_id[0] != '\0' && strcmp(device_id, sensor->device_id) != 0)
        return refused(builder, index, REFUSAL_FOREIGN_SENSOR, "sensor_id", "the sensor belongs to another device");
    return true;
}

static const struct unit *find_unit(struct builder *builder, const char *text, size_t length)
{
    if (builder->last_unit.text && builder->last_unit.length == length &&
        memcmp(builder->last_unit.text, text, length) == 0)
        return builder->last_unit.unit;
    builder->last_unit.text = text;
    builder->last_unit.length = length;
    builder->last_unit.unit = unit_find(text, length);
    return builder->last_unit.unit;
}

static bool refuse_unit(struct builder *builder, size_t index, const struct raw_reading *reading,
    const struct directory_sensor *sensor, bool is_known)
{
    refusals_add(builder->refusals, index, REFUSAL_UNKNOWN_UNIT, "unit", "%s: \"%.*s\"; the sensor's is %s",
        is_known ? "the unit is of another quantity than the sensor's" : "the unit is not known",
        shown(reading->unit_length), reading->unit, sensor->unit ? unit_code(sensor->unit) : "not known either");
    return false;
}

static bool check_value(struct builder *builder, size_t index, const struct raw_reading *reading,
    const struct directory_sensor *sensor, double *out_value, uint32_t *flags)
{
    *out_value = reading->value;
    if (reading->unit) {
        const struct unit *unit = find_unit(builder, reading->unit, reading->unit_length);
        if (!unit || !sensor->unit || !unit_convert(unit, sensor->unit, reading->value, out_value))
            return refuse_unit(builder, index, reading, sensor, unit != NULL);
        *flags |= unit == sensor->unit ? 0 : READING_CONVERTED;
    }
    if (!isfinite(*out_value))
        return refused(builder, index, REFUSAL_BAD_VALUE, "value", "value is not a finite number in the sensor's unit");
    *flags |= sensor->has_range_min && *out_value < sensor->range_min ? READING_RANGE_LOW : 0;
    *flags |= sensor->has_range_max && *out_value > sensor->range_max ? READING_RANGE_HIGH : 0;
    return true;
}

/* Readings stamped by us are a microsecond apart, the last at received_at: two of one sensor in one request are two
 * readings, not one twice. */
static bool check_time(
    struct builder *builder, size_t index, const struct raw_reading *reading, struct timing *out_timing)
{
    const struct batch_source *source = builder->source;
    const char *wrong = time_rule_apply(source->config, reading, source->received_at, out_timing);
    if (wrong)
        return refused(builder, index, REFUSAL_BAD_TIME, "timestamp", wrong);
    if (out_timing->is_ours)
        out_timing->observed_at -= (int64_t)(source->readings->count - 1 - index);
    return true;
}

static void take_reading(
    struct builder *builder, size_t index, const struct raw_reading *reading, const struct directory_sensor *sensor)
{
    struct batch_columns *columns = &builder->columns;
    struct timing timing;
    uint32_t flags = 0;
    double value;
    if (reading->fault) {
        refusals_add(builder->refusals, index, reason_of_field(reading->fault_field), reading->fault_field, "%s",
            reading->fault);
        return;
    }
    if (!check_sensor(builder, index, reading, sensor) ||
        !check_value(builder, index, reading, sensor, &value, &flags) || !check_time(builder, index, reading, &timing))
        return;
    size_t row = columns->count++;
    columns->sensor_no[row] = sensor->sensor_no;
    columns->observed_at[row] = timing.observed_at;
    columns->value[row] = value;
    columns->status[row] = timing.is_uncertain && reading->status == STATUS_GOOD ? STATUS_UNCERTAIN : reading->status;
    columns->flags[row] = flags | timing.flags;
    columns->has_status = columns->has_status || columns->status[row] != 0;
    columns->has_flags = columns->has_flags || columns->flags[row] != 0;
    columns->has_our_time = columns->has_our_time || timing.is_ours;
}

/* Readings that are at fault already ask for no sensor. */
static void name_sensors(struct directory_name *names, const struct raw_reading *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        names[i] = items[i].fault ? (struct directory_name){ "", 0 }
                                  : (struct directory_name){ items[i].sensor, items[i].sensor_length };
}

static bool find_sensors(struct directory *directory, const struct batch_source *source,
    const struct directory_name *names, size_t count, struct directory_sensor *out_sensors, struct arena *arena,
    struct err *err)
{
    if (!source->from_memory)
        return directory_sensors(directory, source->request->caller, names, count, out_sensors, arena, err);
    return directory_sensors_known(directory, source->request->caller->tenant_id, names, count, out_sensors) ||
           err_set(err, ERR_NOT_FOUND, "a sensor is not in memory");
}

bool batch_build(struct batch_columns *out_columns, struct directory *directory, const struct batch_source *source,
    struct refusals *refusals, struct arena *arena, struct err *err)
{
    struct builder builder = { .source = source, .refusals = refusals };
    const struct raw_readings *readings = source->readings;
    size_t most = readings->count < LOOKED_UP_AT_A_TIME ? readings->count : LOOKED_UP_AT_A_TIME;
    struct directory_name *names = arena_alloc_array(arena, most, sizeof *names);
    struct directory_sensor *sensors = arena_alloc_array(arena, most, sizeof *sensors);
    if (!names || !sensors || !make_columns(&builder.columns, readings->count, arena))
        return err_set(err, ERR_LIMIT, "%zu readings do not fit into the memory of one request", readings->count);
    for (size_t first = 0; first < readings->count; first += most) {
        size_t count = readings->count - first < most ? readings->count - first : most;
        name_sensors(names, readings->items + first, count);
        if (!find_sensors(directory, source, names, count, sensors, arena, err))
            return false;
        for (size_t i = 0; i < count; i++)
            take_reading(&builder, first + i, &readings->items[first + i], &sensors[i]);
    }
    *out_columns = builder.columns;
    return true;
}
