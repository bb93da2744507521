/* What a message must be like to be stored, and what becomes of it in memory. */
#include "base/buffer.h"
#include "batch.h"
#include "wire/wire.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after the four that it needs */
#include <cmocka.h>

#define NOW_US INT64_C(1764000000000000)

/* A good batch of two readings, to be spoilt. */
struct sample {
    Nwims__V1__ReadingBatch wire;
    int32_t sensor_no[2];
    int64_t delta_us[2];
    double value[2];
    uint32_t status[2], flags[2];
};

static void sample_init(struct sample *sample)
{
    *sample = (struct sample){ .sensor_no = { 1, 2 }, .delta_us = { 0, 1000000 }, .value = { 1.5, -2 } };
    nwims__v1__reading_batch__init(&sample->wire);
    sample->wire.has_tenant_id = sample->wire.has_received_at = sample->wire.has_base_at = true;
    sample->wire.tenant_id = 7;
    sample->wire.received_at = NOW_US;
    sample->wire.base_at = NOW_US - 60 * INT64_C(1000000);
    sample->wire.n_sensor_no = sample->wire.n_observed_delta_us = sample->wire.n_value = 2;
    sample->wire.sensor_no = sample->sensor_no;
    sample->wire.observed_delta_us = sample->delta_us;
    sample->wire.value = sample->value;
    sample->wire.status = sample->status;
    sample->wire.flags = sample->flags;
}

static enum err_kind decode(
    const struct sample *sample, struct batch *batch, struct arena *arena, const char **out_reason)
{
    struct err err = { 0 };
    AUTO_INPLACE(buffer) bytes = { 0 };
    buffer_init(&bytes, 0);
    assert_true(wire_encode(&bytes, &sample->wire.base, &err));
    if (batch_decode(batch, arena, bytes.data, bytes.size, NOW_US, out_reason, &err))
        return ERR_NONE;
    return err.kind;
}

static void a_good_message_becomes_times_and_bounds(void **state)
{
    (void)state;
    struct sample sample;
    struct batch batch = { 0 };
    struct arena arena;
    const char *reason;
    arena_init(&arena, 1 << 20);
    sample_init(&sample);
    sample.delta_us[0] = -5;
    assert_int_equal(decode(&sample, &batch, &arena, &reason), ERR_NONE);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.observed_at[0], sample.wire.base_at - 5);
    assert_int_equal(batch.oldest_at, sample.wire.base_at - 5);
    assert_int_equal(batch.newest_at, sample.wire.base_at + 1000000);
    arena_done(&arena);
}

static void no_tenant(struct sample *s)
{
    s->wire.tenant_id = 0;
}
static void no_readings(struct sample *s)
{
    s->wire.n_sensor_no = s->wire.n_value = s->wire.n_observed_delta_us = 0;
}
static void a_value_is_missing(struct sample *s)
{
    s->wire.n_value = 1;
}
static void a_time_is_missing(struct sample *s)
{
    s->wire.n_observed_delta_us = 1;
}
static void a_status_is_missing(struct sample *s)
{
    s->wire.n_status = 1;
}
static void flags_are_missing(struct sample *s)
{
    s->wire.n_flags = 1;
}
static void too_old(struct sample *s)
{
    s->delta_us[1] = BATCH_OLDEST_AT - s->wire.base_at - 1;
}
static void too_new(struct sample *s)
{
    s->delta_us[1] = NOW_US + DAY_US - s->wire.base_at + 1;
}
static void a_time_overflows(struct sample *s)
{
    s->wire.base_at = INT64_MAX - 1;
}
static void no_sensor(struct sample *s)
{
    s->sensor_no[1] = 0;
}
static void not_a_number(struct sample *s)
{
    s->value[1] = NAN;
}
static void infinite(struct sample *s)
{
    s->value[0] = -INFINITY;
}
static void flags_too_large(struct sample *s)
{
    s->wire.n_flags = 2;
    s->flags[1] = 0x8000;
}
static void oldest_allowed(struct sample *s)
{
    s->delta_us[1] = BATCH_OLDEST_AT - s->wire.base_at;
}
static void newest_allowed(struct sample *s)
{
    s->delta_us[1] = NOW_US + DAY_US - s->wire.base_at;
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        void (*spoil)(struct sample *sample);
        enum err_kind kind;
        const char *reason;
    } table[] = {
        { no_tenant, ERR_INPUT, "malformed" },
        { no_readings, ERR_INPUT, "malformed" },
        { a_value_is_missing, ERR_INPUT, "malformed" },
        { a_time_is_missing, ERR_INPUT, "malformed" },
        { a_status_is_missing, ERR_INPUT, "malformed" },
        { flags_are_missing, ERR_INPUT, "malformed" },
        { too_old, ERR_INPUT, "bad_time" },
        { too_new, ERR_INPUT, "bad_time" },
        { a_time_overflows, ERR_INPUT, "bad_time" },
        { no_sensor, ERR_INPUT, "bad_sensor" },
        { not_a_number, ERR_INPUT, "bad_value" },
        { infinite, ERR_INPUT, "bad_value" },
        { flags_too_large, ERR_INPUT, "bad_flags" },
        { oldest_allowed, ERR_NONE, NULL },
        { newest_allowed, ERR_NONE, NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct sample sample;
        struct batch batch = { 0 };
        struct arena arena;
        const char *reason = NULL;
        arena_init(&arena, 1 << 20);
        sample_init(&sample);
        table[i].spoil(&sample);
        assert_int_equal(decode(&sample, &batch, &arena, &reason), table[i].kind);
        if (table[i].reason)
            assert_string_equal(reason, table[i].reason);
        arena_done(&arena);
    }
}

static void bytes_that_are_no_batch_are_malformed(void **state)
{
    (void)state;
    struct batch batch = { 0 };
    struct err err = { 0 };
    struct arena arena;
    const char *reason = NULL;
    arena_init(&arena, 1 << 20);
    assert_false(batch_decode(&batch, &arena, "\xff\xff\xff", 3, NOW_US, &reason, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(reason, "malformed");
    arena_done(&arena);
}

static void an_arrival_that_cannot_be_is_now(void **state)
{
    (void)state;
    struct sample sample;
    struct batch batch = { 0 };
    struct arena arena;
    const char *reason;
    arena_init(&arena, 1 << 20);
    sample_init(&sample);
    sample.wire.received_at = INT64_MAX;
    assert_int_equal(decode(&sample, &batch, &arena, &reason), ERR_NONE);
    assert_int_equal(batch.wire->received_at, NOW_US);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_message_becomes_times_and_bounds),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(bytes_that_are_no_batch_are_malformed),
        cmocka_unit_test(an_arrival_that_cannot_be_is_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
