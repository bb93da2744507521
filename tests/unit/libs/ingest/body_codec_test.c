/* Bodies by their media type: the same two readings in every form come out the same; NDJSON, CSV and protobuf say what
 * is wrong with theirs. */
#include "ingest/body_codec.h"
#include "nwims/v1/readings.pb-c.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define AT_EIGHT INT64_C(1763971200000000) /* 2025-11-24T08:00:00Z */

static struct arena arena;
static struct raw_readings readings;
static struct err err;

static bool decode_n(const char *type, const void *body, size_t size)
{
    const struct body_codec *codec = body_codec_find(type);
    assert_non_null(codec);
    arena_reset(&arena);
    err = (struct err){ 0 };
    readings = (struct raw_readings){ 0 };
    return codec->decode(&readings, &arena, body, size, 0, &err);
}

static bool decode(const char *type, const char *body)
{
    return decode_n(type, body, strlen(body));
}

/* "A 3.5 bar 1763971200000000 0; ..." or the fault. */
static const char *shown(void)
{
    static char text[2048];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < readings.count && used < sizeof text; i++) {
        const struct raw_reading *reading = &readings.items[i];
        if (reading->fault)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s: %s; ",
                reading->fault_field ? reading->fault_field : "", reading->fault);
        else
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "%.*s %g %.*s %lld %u; ", (int)reading->sensor_length,
                    reading->sensor, reading->value, (int)reading->unit_length, reading->unit ? reading->unit : "",
                    reading->has_time ? (long long)reading->observed_at : -1, reading->status);
    }
    return text;
}

static void every_form_says_the_same(void **state)
{
    static const struct {
        const char *type, *body;
    } cases[] = {
        { "application/json",
            "[{\"sensor_id\":\"A\",\"value\":3.5,\"unit\":\"bar\",\"timestamp\":\"2025-11-24T08:00:00Z\"},"
            "{\"sensor_id\":\"B\",\"value\":-1,\"timestamp\":1763971200000,\"status\":1073741824}]" },
        { "application/x-ndjson; charset=utf-8",
            "{\"sensor_id\":\"A\",\"value\":3.5,\"unit\":\"bar\",\"timestamp\":\"2025-11-24T08:00:00Z\"}\r\n\n"
            "{\"sensor_id\":\"B\",\"value\":-1,\"timestamp\":1763971200000,\"status\":1073741824}" },
        { "text/csv", "status,sensor_id,note,unit,value,timestamp\n,A,x,bar,3.5,2025-11-24T08:00:00Z\n"
                      "1073741824,B,,,-1,1763971200000\n" },
        { "TEXT/CSV",
            "Sensor;Value;Unit;Time;Quality\r\nA;3.5;bar;2025-11-24 08:00:00Z;0\r\nB;-1;;1763971200;1073741824\r\n" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (!decode(cases[i].type, cases[i].body))
            fail_msg("%s: %s", cases[i].type, err.text);
        assert_string_equal(shown(), "A 3.5 bar 1763971200000000 0; B -1  1763971200000000 1073741824; ");
    }
}

static void types_are_found(void **state)
{
    (void)state;
    assert_string_equal(body_codec_find(NULL)->media_type, "application/json");
    assert_string_equal(body_codec_find("application/senml+json")->media_type, "application/senml+json");
    assert_null(body_codec_find("application/jso"));
    assert_null(body_codec_find("text/plain"));
}

static void a_broken_line_is_that_readings_fault(void **state)
{
    (void)state;
    assert_true(
        decode("application/x-ndjson", "{\"sensor_id\":\"A\",\"value\":1}\n{\"sensor_id\":\"B\",\"value\":\n"
                                       "{\"sensor_id\":\"C\",\"value\":2} x\n7\n{\"sensor_id\":\"D\",\"value\":3}"));
    assert_int_equal(readings.count, 5);
    assert_null(readings.items[0].fault);
    assert_non_null(readings.items[1].fault);
    assert_string_equal(readings.items[2].fault, "something follows the end");
    assert_non_null(readings.items[3].fault);
    assert_null(readings.items[4].fault);
    assert_true(readings.items[4].value == 3);
    assert_true(decode("application/x-ndjson", "\n \n"));
    assert_int_equal(readings.count, 0);
}

static void a_wide_table_is_read_cell_by_cell(void **state)
{
    (void)state;
    assert_true(decode("text/csv", "timestamp,A [psi],\"B, north\",C\n2025-11-24T08:00:00Z,1,,2\n"
                                   "2025-11-24T08:00:00Z,,3\n2025-11-24T08:00:00Z,x\n"));
    assert_string_equal(shown(), "A 1 psi 1763971200000000 0; C 2  1763971200000000 0; B, north 3  1763971200000000 0; "
                                 "value: value is not a number with a decimal point; ");
}

static void bad_cells_are_their_readings_faults(void **state)
{
    (void)state;
    assert_true(decode("text/csv", "sensor_id,value,timestamp,status\n,1,,\nA,,,\nA,\"1,5\",,\nA,NaN,,\nA,1,noon,\n"
                                   "A,1,,-1\nA,1e999,,\nA\nA, 2 ,,\n"));
    assert_int_equal(readings.count, 9);
    for (size_t i = 0; i < 8; i++)
        assert_non_null(readings.items[i].fault);
    assert_null(readings.items[8].fault);
    assert_string_equal(readings.items[4].fault_field, "timestamp");
}

static void what_is_no_table_says_the_line(void **state)
{
    static const struct {
        const char *body, *text;
    } cases[] = {
        { "", "the body is empty: begin with a header" },
        { "A,B\n1,2\n", "line 1: the header has neither a column sensor_id nor begins with timestamp" },
        { "sensor_id,unit\nA,bar\n", "line 1: a table with sensor_id needs a column value" },
        { "sensor_id,value,value\nA,1,2\n", "line 1: two columns mean the same" },
        { "time,A,\n1,2,3\n", "line 1: column 3 names no sensor" },
        { "time,A\n2025-11-24T08:00:00Z,1,2\n", "line 2: more cells than the header has columns" },
        { "sensor_id,value\nA,1\nB,\"2\n", "line 3: a quote that begins here does not end" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_false(decode("text/csv", cases[i].body));
        assert_int_equal(err.kind, ERR_INPUT);
        assert_string_equal(err.text, cases[i].text);
    }
}

/* ---- protobuf ---- */
static bool decode_upload(const Nwims__V1__ReadingUpload *upload)
{
    struct buffer bytes = { 0 };
    struct err ignored = { 0 };
    assert_true(wire_encode(&bytes, &upload->base, &ignored));
    bool ok = decode_n("application/x-protobuf", bytes.data, bytes.size);
    buffer_done(&bytes);
    return ok;
}

static char *names[] = { (char[]){ "A" }, (char[]){ "B" } }, *units[] = { (char[]){ "bar" }, (char[]){ "" } };
static uint32_t sensor[] = { 0, 1, 1, 7 }, statuses[] = { 0, 1u << 30, 0, 0 };
static int64_t deltas[] = { 0, 1000000, -1, 0 };
static double values[] = { 3.5, -1, 2, 4 };

static Nwims__V1__ReadingUpload make_upload(size_t count)
{
    Nwims__V1__ReadingUpload upload = NWIMS__V1__READING_UPLOAD__INIT;
    upload.n_sensor_id = upload.n_unit = 2;
    upload.sensor_id = names;
    upload.unit = units;
    upload.n_sensor = upload.n_value = upload.n_status = upload.n_observed_delta_us = count;
    upload.sensor = sensor;
    upload.value = values;
    upload.status = statuses;
    upload.observed_delta_us = deltas;
    upload.has_base_at = true;
    upload.base_at = AT_EIGHT;
    return upload;
}

static void an_upload_is_read(void **state)
{
    Nwims__V1__ReadingUpload upload = make_upload(4);
    (void)state;
    assert_true(decode_upload(&upload));
    assert_string_equal(shown(),
        "A 3.5 bar 1763971200000000 0; B -1  1763971201000000 1073741824; B 2  1763971199999999 0; "
        "sensor_id: sensor is no place in sensor_id, or the text there is empty; ");
    upload = make_upload(1);
    upload.n_unit = upload.n_status = upload.n_observed_delta_us = 0;
    upload.has_base_at = false;
    assert_true(decode_upload(&upload));
    assert_string_equal(shown(), "A 3.5  -1 0; ");
}

static void columns_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        Nwims__V1__ReadingUpload upload = make_upload(3);
        upload.n_sensor -= i == 0;
        upload.n_observed_delta_us -= i == 1;
        upload.n_status -= i == 2;
        upload.n_unit -= i == 3;
        upload.has_base_at = i != 4;
        assert_false(decode_upload(&upload));
        assert_int_equal(err.kind, ERR_INPUT);
    }
    Nwims__V1__ReadingUpload upload = make_upload(1);
    upload.base_at = INT64_MAX;
    deltas[0] = 1;
    assert_true(decode_upload(&upload));
    assert_string_equal(readings.items[0].fault_field, "timestamp");
    deltas[0] = 0;
    assert_false(decode("application/x-protobuf", "[]"));
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 64 * 1024 * 1024);
    return 0;
}
static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_says_the_same),
        cmocka_unit_test(types_are_found),
        cmocka_unit_test(a_broken_line_is_that_readings_fault),
        cmocka_unit_test(a_wide_table_is_read_cell_by_cell),
        cmocka_unit_test(bad_cells_are_their_readings_faults),
        cmocka_unit_test(what_is_no_table_says_the_line),
        cmocka_unit_test(an_upload_is_read),
        cmocka_unit_test(columns_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
