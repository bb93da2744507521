/* "sensor: value" in the forms that devices send: compact, ThingsBoard's, a bare number. */
#include "ingest/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef bool decoder(struct raw_readings *, struct arena *, const char *, size_t, struct err *);
static struct arena arena;

static bool decode_bare(struct raw_readings *out, struct arena *in, const char *body, size_t size, struct err *err)
{
    return codec_bare_decode(out, in, "P1", 2, body, size, err);
}

/* "name=value@ms[unit]!fault" for each reading, separated by a space. */
static void describe(char *text, size_t size, const struct raw_readings *readings)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < readings->count && at < size; i++) {
        const struct raw_reading *reading = &readings->items[i];
        at += (size_t)snprintf(text + at, size - at, "%s%.*s", i ? " " : "", (int)reading->sensor_length,
            reading->sensor ? reading->sensor : "");
        if (reading->fault)
            at += (size_t)snprintf(text + at, size - at, "!%s", reading->fault_field);
        else
            at += (size_t)snprintf(text + at, size - at, "=%g", reading->value);
        if (reading->has_time && at < size)
            at += (size_t)snprintf(text + at, size - at, "@%lld", (long long)(reading->observed_at / 1000));
        if (reading->unit && at < size)
            at += (size_t)snprintf(text + at, size - at, "[%.*s]", (int)reading->unit_length, reading->unit);
    }
}

static const struct {
    decoder *decode;
    const char *body, *expect; /* NULL: malformed */
} cases[] = {
    { codec_compact_json_decode, "{\"d\":\"dev\",\"s\":412,\"t\":1700000000.5,\"m\":{\"P\":[4.12,\"bar\"],\"F\":12.5}}",
        "P=4.12@1700000000500[bar] F=12.5@1700000000500" },
    { codec_compact_json_decode, "{\"m\":{\"F\":1},\"t\":1700000000123}", "F=1@1700000000123" },
    { codec_compact_json_decode, "{\"t\":\"2023-11-14T22:13:20Z\",\"m\":{\"F\":1}}", "F=1@1700000000000" },
    { codec_compact_json_decode, "{\"v\":1,\"b\":[{\"t\":1700000000,\"m\":{\"F\":1}},{\"m\":{\"F\":2}}]}",
        "F=1@1700000000000 F=2" },
    { codec_compact_json_decode, "[{\"m\":{\"F\":1}},{\"m\":{}}]", "F=1" },
    { codec_compact_json_decode, "{\"t\":\"soon\",\"m\":{\"F\":1}}", "F!timestamp" },
    { codec_compact_json_decode, "{\"m\":{\"F\":[1],\"G\":[],\"H\":true,\"I\":null,\"J\":\"x\"}}",
        "F=1 G!value H=1 I!value J!value" },
    { codec_compact_json_decode, "{\"m\":{\"F\":1,\"F\":2,\"\":3}}", "F=1 F!sensor_id !sensor_id" },
    { codec_compact_json_decode, "{\"m\":{\"F\":1e999}}", "F!value" },
    { codec_compact_json_decode, "{\"t\":1}", NULL },
    { codec_compact_json_decode, "{\"m\":{\"F\":1},\"m\":{\"F\":2}}", NULL },
    { codec_compact_json_decode, "{\"b\":[],\"b\":[]}", NULL },
    { codec_compact_json_decode, "{\"b\":[],\"m\":{}}", NULL },
    { codec_compact_json_decode, "{\"m\":[1]}", NULL },
    { codec_compact_json_decode, "{\"m\":{\"F\":[1,2]}}", NULL },
    { codec_compact_json_decode, "{\"m\":{\"F\":[1,\"bar\",2]}}", NULL },
    { codec_compact_json_decode, "", NULL },
    { codec_compact_json_decode, "5", NULL },
    { codec_device_json_decode, "{\"sensor_id\":\"P1\",\"value\":3.5,\"unit\":\"bar\"}", "P1=3.5[bar]" },
    { codec_device_json_decode, "[{\"sensor_id\":\"P1\",\"value\":3.5}]", "P1=3.5" },
    { codec_device_json_decode, "[{\"m\":{\"P1\":3.5}}]", "P1=3.5" },
    { codec_device_json_decode, "{\"m\":{\"P1\":3.5}}", "P1=3.5" },
    { codec_thingsboard_json_decode, "{\"P1\":3.5,\"pump\":true,\"valve\":false}", "P1=3.5 pump=1 valve=0" },
    { codec_thingsboard_json_decode, "{\"ts\":1700000000123,\"values\":{\"P1\":3.5,\"F1\":2}}",
        "P1=3.5@1700000000123 F1=2@1700000000123" },
    { codec_thingsboard_json_decode, "{\"values\":{\"P1\":3.5},\"ts\":1700000000123}", "P1=3.5@1700000000123" },
    { codec_thingsboard_json_decode, "[{\"P1\":1},{\"ts\":1700000000123,\"values\":{\"P1\":2}}]",
        "P1=1 P1=2@1700000000123" },
    { codec_thingsboard_json_decode, "{\"values\":4,\"ts\":5}", "values=4 ts=5" },
    { codec_thingsboard_json_decode, "{\"P1\":\"on\",\"F1\":{\"a\":1}}", "P1!value F1!value" },
    { codec_thingsboard_json_decode, "{\"P1\":[1,\"bar\"]}", "P1!value" },
    { codec_thingsboard_json_decode, "{}", "" },
    { codec_thingsboard_json_decode, "{\"ts\":1,\"ts\":2,\"values\":{}}", NULL },
    { codec_thingsboard_json_decode, "{\"P1\":3.5", NULL },
    { codec_thingsboard_json_decode, "{\"P1\":3.5}x", NULL },
    { codec_thingsboard_json_decode, "[[{\"P1\":3.5}]]", NULL },
    { codec_thingsboard_gateway_decode,
        "{\"Dev A\":[{\"ts\":1700000000123,\"values\":{\"P1\":3.5}},{\"P1\":4}],\"B\":[{\"T\":1}]}",
        "Dev A/P1=3.5@1700000000123 Dev A/P1=4 B/T=1" },
    { codec_thingsboard_gateway_decode, "{\"\":[{\"T\":1}]}", NULL },
    { codec_thingsboard_gateway_decode, "[{\"T\":1}]", NULL },
    { decode_bare, " 12.5\n", "P1=12.5" },
    { decode_bare, "[4.12,\"bar\"]", "P1=4.12[bar]" },
    { decode_bare, "true", "P1=1" },
    { decode_bare, "\"on\"", "P1!value" },
    { decode_bare, "12.5.1", NULL },
    { decode_bare, "", NULL },
    { decode_bare, "on", NULL },
};

static void every_form_is_read_as_it_is_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct raw_readings readings = { 0 };
        struct err err = { 0 };
        char text[512];
        size_t size = strlen(cases[i].body);
        char *body = malloc(size ? size : 1); /* no NUL behind it: a byte too far is noticed */
        memcpy(body, cases[i].body, size);
        arena_reset(&arena);
        bool ok = cases[i].decode(&readings, &arena, body, size, &err);
        if (ok != (cases[i].expect != NULL))
            fail_msg("%s: %s", cases[i].body, ok ? "was taken" : err.text);
        if (ok) {
            describe(text, sizeof text, &readings);
            if (strcmp(text, cases[i].expect) != 0)
                fail_msg("%s: %s", cases[i].body, text);
        } else {
            assert_int_equal(err.kind, ERR_INPUT);
        }
        free(body);
    }
}

static void no_cut_of_a_body_is_read_beyond_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t cut = 0; cut < strlen(cases[i].body); cut++) {
            struct raw_readings readings = { 0 };
            struct err err = { 0 };
            char *body = malloc(cut ? cut : 1);
            memcpy(body, cases[i].body, cut);
            arena_reset(&arena);
            bool ok = cases[i].decode(&readings, &arena, body, cut, &err);
            assert_true(ok == (err.kind == ERR_NONE));
            free(body);
        }
}

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read_as_it_is_meant),
        cmocka_unit_test(no_cut_of_a_body_is_read_beyond_its_end),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
