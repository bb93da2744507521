#include "batch.h"
#include "wire/wire.h"
#include <inttypes.h>
#include <math.h>

static bool refuse(const char **out_reason, const char *reason, struct err *err, const char *what, size_t index)
{
    *out_reason = reason;
    return err_set(err, ERR_INPUT, "reading %zu: %s", index, what);
}

static bool shape_is_good(const Nwims__V1__ReadingBatch *wire, const char **out_reason, struct err *err)
{
    size_t count = wire->n_sensor_no;
    *out_reason = "malformed";
    if (!wire->has_tenant_id || wire->tenant_id < 1)
        return err_set(err, ERR_INPUT, "no tenant");
    if (count == 0 && wire->n_sequence == 0)
        return err_set(err, ERR_INPUT, "no readings");
    if (wire->n_observed_delta_us != count || wire->n_value != count ||
        (wire->n_status > 0 && wire->n_status != count) || (wire->n_flags > 0 && wire->n_flags != count))
        return err_set(err, ERR_INPUT, "columns of different lengths, %zu sensors", count);
    return true;
}

/* Deltas become times in place: the arena is ours. */
static bool times_are_good(struct batch *batch, Nwims__V1__ReadingBatch *wire, int64_t newest_allowed,
    const char **out_reason, struct err *err)
{
    int64_t oldest = INT64_MAX, newest = INT64_MIN;
    for (size_t i = 0; i < wire->n_sensor_no; i++) {
        int64_t at;
        if (__builtin_add_overflow(wire->base_at, wire->observed_delta_us[i], &at) || at < BATCH_OLDEST_AT ||
            at > newest_allowed)
            return refuse(out_reason, "bad_time", err, "its time is before 2000 or more than a day ahead", i);
        wire->observed_delta_us[i] = at;
        oldest = at < oldest ? at : oldest;
        newest = at > newest ? at : newest;
    }
    batch->oldest_at = oldest;
    batch->newest_at = newest;
    return true;
}

static bool values_are_good(const Nwims__V1__ReadingBatch *wire, const char **out_reason, struct err *err)
{
    for (size_t i = 0; i < wire->n_sensor_no; i++) {
        if (wire->sensor_no[i] < 1)
            return refuse(out_reason, "bad_sensor", err, "its sensor number is not positive", i);
        if (!isfinite(wire->value[i]))
            return refuse(out_reason, "bad_value", err, "its value is not finite", i);
    }
    for (size_t i = 0; i < wire->n_flags; i++)
        if (wire->flags[i] > INT16_MAX)
            return refuse(out_reason, "bad_flags", err, "its flags do not fit", i);
    return true;
}

bool batch_decode(struct batch *batch, struct arena *arena, const void *bytes, size_t size, int64_t now_us,
    const char **out_reason, struct err *err)
{
    ProtobufCMessage *message;
    *out_reason = "malformed";
    if (!wire_decode(&message, arena, &nwims__v1__reading_batch__descriptor, bytes, size, err))
        return false;
    Nwims__V1__ReadingBatch *wire = (Nwims__V1__ReadingBatch *)message;
    if (!shape_is_good(wire, out_reason, err) || !times_are_good(batch, wire, now_us + DAY_US, out_reason, err) ||
        !values_are_good(wire, out_reason, err))
        return false;
    if (!wire->has_received_at || wire->received_at < BATCH_OLDEST_AT || wire->received_at > now_us + DAY_US)
        wire->received_at = now_us;
    batch->wire = wire;
    batch->observed_at = wire->observed_delta_us;
    batch->count = wire->n_sensor_no;
    return true;
}
