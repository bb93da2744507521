/* Messages into JSON, and the types that none of our messages has yet in both directions. */
#include "every_type.h"
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/identity.pb-c.h"
#include "nwims/v1/readings.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "transcode/transcode.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_json(const ProtobufCMessage *message, const char *expected)
{
    AUTO_INPLACE(buffer) out = { 0 };
    struct err err = { 0 };
    assert_true(transcode_to_json(&out, message, &err));
    assert_string_equal(out.data, expected);
}

static void absent_fields_are_left_out_and_empty_lists_are_written(void **state)
{
    Nwims__V1__Sensor sensor = NWIMS__V1__SENSOR__INIT;
    Nwims__V1__ListSensorsReply list = NWIMS__V1__LIST_SENSORS_REPLY__INIT;
    (void)state;
    expect_json(&sensor.base, "{}");
    expect_json(&list.base, "{\"items\":[]}");
}

static void texts_are_escaped_and_zero_is_not_absent(void **state)
{
    Nwims__V1__Sensor sensor = NWIMS__V1__SENSOR__INIT;
    char name[] = "a \"b\"\n\xc3\xa9";
    (void)state;
    sensor.name = name;
    sensor.has_range_min = true;
    sensor.has_period_s = true;
    expect_json(&sensor.base, "{\"name\":\"a \\\"b\\\"\\n\xc3\xa9\",\"range_min\":0,\"period_s\":0}");
}

static void times_are_rfc_3339(void **state)
{
    Nwims__V1__Sensor sensor = NWIMS__V1__SENSOR__INIT;
    (void)state;
    sensor.has_created_at = true;
    sensor.created_at = 1795507200250000;
    expect_json(&sensor.base, "{\"created_at\":\"2026-11-24T08:00:00.25Z\"}");
}

static void whole_numbers_keep_every_digit(void **state)
{
    static const struct {
        int64_t number;
        const char *json;
    } cases[] = { { 9007199254740991, "{\"expires_in\":9007199254740991}" },
        { 9007199254740992, "{\"expires_in\":\"9007199254740992\"}" },
        { INT64_MAX, "{\"expires_in\":\"9223372036854775807\"}" },
        { INT64_MIN, "{\"expires_in\":\"-9223372036854775808\"}" }, { -1, "{\"expires_in\":-1}" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Nwims__V1__TokenReply reply = NWIMS__V1__TOKEN_REPLY__INIT;
        reply.has_expires_in = true;
        reply.expires_in = cases[i].number;
        expect_json(&reply.base, cases[i].json);
    }
}

static void reals_read_back_the_same_and_nan_is_never_written(void **state)
{
    Nwims__V1__Window window = NWIMS__V1__WINDOW__INIT;
    (void)state;
    window.has_min = window.has_max = window.has_avg = window.has_sum = true;
    window.min = 0.1;
    window.max = NAN;
    window.avg = 1.0 / 3;
    window.sum = INFINITY;
    expect_json(&window.base, "{\"min\":0.1,\"avg\":0.3333333333333333}");
    double values[] = { 1e300, NAN, 5e-324 };
    Nwims__V1__ReadingBatch batch = NWIMS__V1__READING_BATCH__INIT;
    batch.n_value = 3;
    batch.value = values;
    expect_json(&batch.base, "{\"sensor_no\":[],\"observed_delta_us\":[],\"value\":[1e+300,null,4.94065645841247e-324],"
                             "\"status\":[],\"flags\":[],\"sequence\":[]}");
}

static void nested_messages_bytes_and_lists_are_written(void **state)
{
    Nwims__V1__Provenance provenance = NWIMS__V1__PROVENANCE__INIT;
    Nwims__V1__Refused refused = NWIMS__V1__REFUSED__INIT;
    uint8_t raw[] = { 0, 0xff, 0x10 };
    char protocol[] = "mqtt";
    (void)state;
    provenance.protocol = protocol;
    refused.provenance = &provenance;
    refused.has_raw = true;
    refused.raw = (ProtobufCBinaryData){ sizeof raw, raw };
    expect_json(&refused.base, "{\"provenance\":{\"protocol\":\"mqtt\"},\"raw\":\"AP8Q\"}");
    refused.raw.len = 1;
    expect_json(&refused.base, "{\"provenance\":{\"protocol\":\"mqtt\"},\"raw\":\"AA==\"}");
    refused.raw.len = 0;
    expect_json(&refused.base, "{\"provenance\":{\"protocol\":\"mqtt\"},\"raw\":\"\"}");
}

static void lists_of_messages_go_there_and_back(void **state)
{
    static const char json[] = "{\"items\":[{\"code\":\"A\",\"name\":\"a\",\"population\":5},{\"code\":\"B\",\"name\":"
                               "\"b\",\"latitude\":-12.5}],"
                               "\"next_cursor\":\"x\"}";
    struct arena arena;
    struct transcode_violations violations = { 0 };
    struct err err = { 0 };
    (void)state;
    arena_init(&arena, 65536);
    ProtobufCMessage *message = wire_new(&arena, &nwims__v1__list_municipalities_reply__descriptor);
    assert_true(transcode_from_json(message, &arena, json, strlen(json), true, &violations, &err));
    expect_json(message, json);
    arena_done(&arena);
}

static void what_does_not_fit_is_a_limit(void **state)
{
    Nwims__V1__Sensor sensor = NWIMS__V1__SENSOR__INIT;
    struct buffer out;
    struct err err = { 0 };
    char name[] = "a name longer than the room there is";
    (void)state;
    sensor.name = name;
    buffer_init(&out, 16);
    assert_false(transcode_to_json(&out, &sensor.base, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    buffer_done(&out);
}

static void types_of_tomorrow_go_there_and_back(void **state)
{
    static const struct {
        const char *in;
        const char *out; /* NULL: the same */
        const char *violation;
    } cases[] = {
        { "{\"flag\":true,\"smalls\":[],\"flags\":[true,false]}", NULL, NULL },
        { "{\"flag\":1}", NULL, "true or false" },
        { "{\"flag\":\"true\"}", NULL, "true or false" },
        { "{\"large\":\"18446744073709551615\",\"smalls\":[],\"flags\":[]}", NULL, NULL },
        { "{\"large\":12,\"smalls\":[],\"flags\":[]}", NULL, NULL },
        { "{\"large\":-1}", NULL, "beyond" },
        { "{\"large\":\"18446744073709551616\"}", NULL, "whole number" },
        { "{\"large\":\"\"}", NULL, "whole number" },
        { "{\"small\":0.1,\"smalls\":[3.4028235e+38,-0],\"flags\":[]}", NULL, NULL },
        { "{\"small\":1e39}", NULL, "beyond" },
        { "{\"state\":\"ON\",\"smalls\":[],\"flags\":[]}", NULL, NULL },
        { "{\"state\":\"on\"}", NULL, "none of the values" },
        { "{\"state\":1}", NULL, "text is wanted" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct transcode_violations violations = { 0 };
        struct err err = { 0 };
        arena_init(&arena, 65536);
        ProtobufCMessage *message = wire_new(&arena, &every_type_descriptor);
        bool ok = transcode_from_json(message, &arena, cases[i].in, strlen(cases[i].in), true, &violations, &err);
        if (ok != !cases[i].violation)
            fail_msg("%s: %s", cases[i].in, err.text);
        if (ok)
            expect_json(message, cases[i].out ? cases[i].out : cases[i].in);
        else if (!strstr(violations.items[0].reason, cases[i].violation))
            fail_msg("%s: %s", cases[i].in, violations.items[0].reason);
        arena_done(&arena);
    }
}

static void types_of_tomorrow_come_from_parameters(void **state)
{
    static const struct {
        const char *field;
        const char *text;
        bool is_taken;
    } cases[] = { { "flag", "true", true }, { "flag", "false", true }, { "flag", "yes", false },
        { "large", "18446744073709551615", true }, { "large", "-1", false }, { "small", "0.5", true },
        { "small", "1e39", false }, { "state", "OFF", true }, { "state", "1", false }, { "smalls", "1", true } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct transcode_violations violations = { 0 };
        struct err err = { 0 };
        arena_init(&arena, 65536);
        ProtobufCMessage *message = wire_new(&arena, &every_type_descriptor);
        if (transcode_set_field(message, &arena, cases[i].field, cases[i].text, &violations, &err) != cases[i].is_taken)
            fail_msg("%s=%s: %s", cases[i].field, cases[i].text, err.text);
        arena_done(&arena);
    }
}

static void values_outside_an_enumeration_and_infinite_floats_do_no_harm(void **state)
{
    struct every_type message;
    float smalls[] = { INFINITY, 1 };
    (void)state;
    every_type_init(&message.base);
    message.has_state = message.has_small = true;
    message.state = 7;
    message.small = NAN;
    message.n_smalls = 2;
    message.smalls = smalls;
    expect_json(&message.base, "{\"state\":7,\"smalls\":[null,1],\"flags\":[]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_fields_are_left_out_and_empty_lists_are_written),
        cmocka_unit_test(texts_are_escaped_and_zero_is_not_absent),
        cmocka_unit_test(times_are_rfc_3339),
        cmocka_unit_test(whole_numbers_keep_every_digit),
        cmocka_unit_test(reals_read_back_the_same_and_nan_is_never_written),
        cmocka_unit_test(nested_messages_bytes_and_lists_are_written),
        cmocka_unit_test(lists_of_messages_go_there_and_back),
        cmocka_unit_test(what_does_not_fit_is_a_limit),
        cmocka_unit_test(types_of_tomorrow_go_there_and_back),
        cmocka_unit_test(types_of_tomorrow_come_from_parameters),
        cmocka_unit_test(values_outside_an_enumeration_and_infinite_floats_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
