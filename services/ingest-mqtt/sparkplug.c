#include "sparkplug.h"
#include "base/map.h"
#include "ingest/time_rule.h"
#include "mqtt_text.h"
#include "nwims/v1/sparkplug.pb-c.h"
#include "wire/wire.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 200, DATATYPE_BOOLEAN = 11, DATATYPE_DATETIME = 13 };
static const char rebirth[] = "Node Control/Rebirth";

/* ---- topics ---- */
bool sparkplug_topic_read(struct sparkplug_topic *out_topic, const struct mqtt_text *text)
{
    static const struct {
        const char *name;
        enum sparkplug_kind kind;
        bool has_device;
    } kinds[] = { { "NBIRTH", SPARKPLUG_NBIRTH, false }, { "NDATA", SPARKPLUG_NDATA, false },
        { "NDEATH", SPARKPLUG_DEATH, false }, { "DBIRTH", SPARKPLUG_DBIRTH, true }, { "DDATA", SPARKPLUG_DDATA, true },
        { "DDEATH", SPARKPLUG_DEATH, true } };
    struct mqtt_text rest = *text;
    *out_topic = (struct sparkplug_topic){ .group = mqtt_text_level(&rest) };
    struct mqtt_text kind = mqtt_text_level(&rest);
    out_topic->node = mqtt_text_level(&rest);
    out_topic->device = rest;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (mqtt_text_is(&kind, kinds[i].name)) {
            out_topic->kind = kinds[i].kind;
            return out_topic->group.length > 0 && out_topic->node.length > 0 &&
                   kinds[i].has_device == (rest.length > 0);
        }
    return false;
}

/* ---- names ---- */
struct metric_name {
    uint64_t alias;
    uint32_t datatype;
    bool has_alias;
    const char *scope; /* the device, "" for the node */
    char name[];       /* and behind its NUL the scope */
};
struct sparkplug_names {
    atomic_int holders;
    struct map *by_key; /* by alias and by name, within a scope */
    struct metric_name **metrics;
    size_t count;
};

struct name_key {
    unsigned char bytes[KEY_BYTES];
    size_t size; /* 0: too long for any */
};

static struct name_key key_of(char kind, const void *what, size_t size, const char *scope, size_t scope_size)
{
    struct name_key key = { .bytes = { (unsigned char)kind } };
    if (2 + size + scope_size > sizeof key.bytes)
        return key;
    memcpy(key.bytes + 1, what, size);
    if (scope_size > 0)
        memcpy(key.bytes + 2 + size, scope, scope_size);
    key.size = 2 + size + scope_size;
    return key;
}

struct sparkplug_names *sparkplug_names_hold(struct sparkplug_names *names)
{
    if (names)
        atomic_fetch_add(&names->holders, 1);
    return names;
}

void sparkplug_names_drop(struct sparkplug_names *names)
{
    if (!names || atomic_fetch_sub(&names->holders, 1) > 1)
        return;
    for (size_t i = 0; i < names->count; i++)
        free(names->metrics[i]);
    free(names->metrics);
    if (names->by_key)
        map_free(names->by_key, NULL);
    free(names);
}

static struct sparkplug_names *names_new(void)
{
    struct sparkplug_names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    atomic_init(&names->holders, 1);
    names->by_key = map_new(2 * SPARKPLUG_MOST_METRICS);
    names->metrics = calloc(SPARKPLUG_MOST_METRICS, sizeof(struct metric_name *));
    if (names->by_key && names->metrics)
        return names;
    sparkplug_names_drop(names);
    return NULL;
}

static bool file(struct sparkplug_names *names, const struct name_key *key, struct metric_name *metric)
{
    return key->size == 0 || map_put(names->by_key, key->bytes, key->size, metric, NULL);
}

static bool add_name(struct sparkplug_names *names, const char *name, const struct metric_name *like, const char *scope,
    size_t scope_size)
{
    size_t size = strlen(name);
    struct metric_name *metric =
        names->count < SPARKPLUG_MOST_METRICS ? calloc(1, sizeof *metric + size + scope_size + 2) : NULL;
    if (!metric)
        return false;
    metric->alias = like->alias;
    metric->has_alias = like->has_alias;
    metric->datatype = like->datatype;
    memcpy(metric->name, name, size);
    if (scope_size > 0)
        memcpy(metric->name + size + 1, scope, scope_size);
    metric->scope = metric->name + size + 1;
    names->metrics[names->count++] = metric;
    struct name_key by_name = key_of('n', name, size, scope, scope_size);
    struct name_key by_alias = key_of('a', &metric->alias, sizeof metric->alias, scope, scope_size);
    return file(names, &by_name, metric) && (!metric->has_alias || file(names, &by_alias, metric));
}

static bool is_scope(const char *scope, const struct mqtt_text *device)
{
    return mqtt_text_is(device, scope);
}

/* All but those of the device that is born anew. */
static bool copy_names(
    struct sparkplug_names *names, const struct sparkplug_names *before, const struct sparkplug_topic *topic)
{
    for (size_t i = 0; before && i < before->count; i++) {
        const struct metric_name *metric = before->metrics[i];
        if (!is_scope(metric->scope, &topic->device) &&
            !add_name(names, metric->name, metric, metric->scope, strlen(metric->scope)))
            return false;
    }
    return true;
}

static const Nwims__V1__SparkplugPayload *decode(const struct mqtt_text *payload, struct arena *arena, struct err *err)
{
    ProtobufCMessage *decoded = NULL;
    if (!wire_decode(&decoded, arena, &nwims__v1__sparkplug_payload__descriptor, payload->bytes, payload->length, err))
        return NULL;
    return (const Nwims__V1__SparkplugPayload *)decoded;
}

bool sparkplug_learn(struct sparkplug_names **out_names, const struct sparkplug_names *before,
    const struct sparkplug_topic *topic, const struct mqtt_text *payload, struct arena *arena, struct err *err)
{
    const Nwims__V1__SparkplugPayload *birth = decode(payload, arena, err);
    struct sparkplug_names *names = birth ? names_new() : NULL;
    bool is_node = topic->kind == SPARKPLUG_NBIRTH;
    if (!birth)
        return false;
    bool ok = names && (is_node || copy_names(names, before, topic));
    for (size_t i = 0; ok && i < birth->n_metrics; i++) {
        const Nwims__V1__SparkplugMetric *metric = birth->metrics[i];
        const struct metric_name like = {
            .alias = metric->alias, .has_alias = metric->has_alias, .datatype = metric->datatype
        };
        ok = !metric->name || add_name(names, metric->name, &like, topic->device.bytes, topic->device.length);
    }
    if (!ok) {
        sparkplug_names_drop(names);
        return err_set(err, ERR_LIMIT, "a birth with more than %d metrics", SPARKPLUG_MOST_METRICS);
    }
    *out_names = names;
    return true;
}

/* ---- readings ---- */
static const struct metric_name *find(
    const struct sparkplug_names *names, const Nwims__V1__SparkplugMetric *metric, const struct sparkplug_topic *topic)
{
    struct name_key key =
        metric->name ? key_of('n', metric->name, strlen(metric->name), topic->device.bytes, topic->device.length)
                     : key_of('a', &metric->alias, sizeof metric->alias, topic->device.bytes, topic->device.length);
    return names && key.size > 0 ? map_get(names->by_key, key.bytes, key.size) : NULL;
}

static bool is_control(const char *name)
{
    return strcmp(name, "bdSeq") == 0 || strncmp(name, "Node Control/", strlen("Node Control/")) == 0 ||
           strncmp(name, "Device Control/", strlen("Device Control/")) == 0;
}

/* String, UUID, DataSet, Bytes, Template, arrays ... A birth tells all that there is of a node, its properties too
 * ("Properties/Hardware Make"): these are no readings that went wrong. */
static bool is_property(uint32_t datatype, const struct sparkplug_topic *topic)
{
    bool is_birth = topic->kind == SPARKPLUG_NBIRTH || topic->kind == SPARKPLUG_DBIRTH;
    return is_birth && datatype > DATATYPE_BOOLEAN && datatype != DATATYPE_DATETIME;
}

/* Int8 to Int64 as they were before they were put into an unsigned field; others as they are. */
static double whole(uint64_t value, bool is_long, uint32_t datatype)
{
    switch (datatype) {
    case 1:
        return (int8_t)(uint8_t)value;
    case 2:
        return (int16_t)(uint16_t)value;
    case 3:
        return (int32_t)(uint32_t)value;
    case 4:
        return (double)(int64_t)value;
    default:
        return is_long ? (double)value : (double)(uint32_t)value;
    }
}

static void fill_value(struct raw_reading *reading, const Nwims__V1__SparkplugMetric *metric, uint32_t datatype)
{
    if (metric->has_double_value)
        reading->value = metric->double_value;
    else if (metric->has_float_value)
        reading->value = (double)metric->float_value;
    else if (metric->has_int_value)
        reading->value = whole(metric->int_value, false, datatype);
    else if (metric->has_long_value)
        reading->value = whole(metric->long_value, true, datatype);
    else if (metric->has_boolean_value)
        reading->value = metric->boolean_value ? 1 : 0;
    else
        reading->fault = "the metric has no number for a value";
    if (!reading->fault && !isfinite(reading->value))
        reading->fault = "value is not a finite number";
    reading->fault_field = reading->fault ? "value" : NULL;
}

static bool fill_sensor(
    struct raw_reading *reading, const char *name, const struct sparkplug_topic *topic, struct arena *arena)
{
    char *code = topic->device.length > 0
                     ? arena_printf(arena, "%.*s/%s", (int)topic->device.length, topic->device.bytes, name)
                     : arena_text(arena, name);
    reading->sensor = code;
    reading->sensor_length = code ? strlen(code) : 0;
    return code != NULL;
}

static void fill_time(
    struct raw_reading *reading, const Nwims__V1__SparkplugMetric *metric, const Nwims__V1__SparkplugPayload *payload)
{
    uint64_t ms = metric->has_timestamp ? metric->timestamp : payload->has_timestamp ? payload->timestamp : 0;
    reading->has_time = ms > 0 && time_of_number((double)ms, &reading->observed_at);
}

static bool read_metric(struct sparkplug_message *message, const Nwims__V1__SparkplugMetric *metric,
    const Nwims__V1__SparkplugPayload *payload, const struct sparkplug_names *names,
    const struct sparkplug_topic *topic, struct arena *arena)
{
    const struct metric_name *known = find(names, metric, topic);
    const char *name = metric->name ? metric->name : known ? known->name : NULL;
    if (!name)
        message->unknown++;
    uint32_t datatype = metric->has_datatype ? metric->datatype : known ? known->datatype : 0;
    if (!name || is_control(name) || (metric->has_is_null && metric->is_null) || is_property(datatype, topic))
        return true;
    struct raw_reading *reading = &message->readings.items[message->readings.count++];
    *reading = (struct raw_reading){ 0 };
    fill_value(reading, metric, datatype);
    fill_time(reading, metric, payload);
    return fill_sensor(reading, name, topic, arena);
}

bool sparkplug_read(struct sparkplug_message *out_message, const struct sparkplug_names *names,
    const struct sparkplug_topic *topic, const struct mqtt_text *payload, struct arena *arena, struct err *err)
{
    const Nwims__V1__SparkplugPayload *decoded = decode(payload, arena, err);
    *out_message = (struct sparkplug_message){ .readings = { .codec = "sparkplug-b" } };
    if (!decoded)
        return false;
    if (decoded->n_metrics > INTAKE_MOST_READINGS)
        return err_set(err, ERR_LIMIT, "more than %d metrics in one message", INTAKE_MOST_READINGS);
    out_message->has_sequence = decoded->has_seq;
    out_message->sequence = (uint8_t)decoded->seq;
    out_message->readings.items = arena_alloc_array(arena, decoded->n_metrics + 1, sizeof(struct raw_reading));
    bool ok = out_message->readings.items != NULL;
    for (size_t i = 0; ok && i < decoded->n_metrics; i++)
        ok = read_metric(out_message, decoded->metrics[i], decoded, names, topic, arena);
    return ok || err_set(err, ERR_LIMIT, "the message does not fit into the memory of one request");
}

bool sparkplug_put_rebirth(struct buffer *out, int64_t now_ms, struct err *err)
{
    Nwims__V1__SparkplugPayload command = NWIMS__V1__SPARKPLUG_PAYLOAD__INIT;
    Nwims__V1__SparkplugMetric metric = NWIMS__V1__SPARKPLUG_METRIC__INIT, *metrics[] = { &metric };
    command.has_timestamp = metric.has_timestamp = metric.has_datatype = metric.has_boolean_value = true;
    command.timestamp = metric.timestamp = (uint64_t)now_ms;
    metric.name = (char *)(uintptr_t)rebirth;
    metric.datatype = DATATYPE_BOOLEAN;
    metric.boolean_value = true;
    command.n_metrics = 1;
    command.metrics = metrics;
    return wire_encode(out, &command.base, err);
}
