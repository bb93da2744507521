/* JSON and URL parameters into messages: what is taken, what is refused, and what is said of it. */
#include "base/err.h"
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/readings.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "transcode/transcode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct transcode_violations violations;
    struct err err;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    arena_init(&fixture->arena, 4 * 1024 * 1024);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    free(fixture);
    return 0;
}

static void *fresh(struct fixture *fixture, const ProtobufCMessageDescriptor *type)
{
    arena_reset(&fixture->arena);
    fixture->violations.count = 0;
    fixture->err = (struct err){ 0 };
    void *message = wire_new(&fixture->arena, type);
    assert_non_null(message);
    return message;
}

/* From a copy of exactly that size, so that the address sanitizer sees a read beyond it. */
static bool read_into(struct fixture *fixture, void *message, const char *json, size_t size, bool check_required)
{
    char *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, json, size);
    bool ok =
        transcode_from_json(message, &fixture->arena, copy, size, check_required, &fixture->violations, &fixture->err);
    free(copy);
    return ok;
}

static bool read_text(struct fixture *fixture, void *message, const char *json, bool check_required)
{
    return read_into(fixture, message, json, strlen(json), check_required);
}

static void *read_ok(struct fixture *fixture, const ProtobufCMessageDescriptor *type, const char *json)
{
    void *message = fresh(fixture, type);
    if (!read_into(fixture, message, json, strlen(json), true))
        fail_msg("%s: %s", json, fixture->err.text);
    return message;
}

static const char good_sensor[] = "{\"code\":\"S-1\",\"kind\":\"flow\"";

static void a_whole_object_fills_the_message(void **state)
{
    const Nwims__V1__Sensor *sensor = read_ok(*state, &nwims__v1__sensor__descriptor,
        " {\"code\":\"S-1\", \"kind\":\"flow\",\"name\":\"Inlet \\u00e9 "
        "\\ud83d\\udca7\",\"range_min\":-1.5,\"range_max\":1e3,"
        "\"period_s\":60,\"unit\":null}\r\n");
    assert_string_equal(sensor->code, "S-1");
    assert_string_equal(sensor->name, "Inlet \xc3\xa9 \xf0\x9f\x92\xa7");
    assert_true(sensor->has_range_min && sensor->range_min == -1.5 && sensor->range_max == 1000);
    assert_int_equal(sensor->period_s, 60);
    assert_null(sensor->unit);
    assert_false(sensor->has_created_at);
}

static void read_only_fields_are_ignored(void **state)
{
    const Nwims__V1__Sensor *sensor = read_ok(*state, &nwims__v1__sensor__descriptor,
        "{\"code\":\"S-1\",\"kind\":\"flow\",\"id\":\"mine\",\"sensor_no\":\"not even a number\",\"created_at\":[]}");
    assert_null(sensor->id);
    assert_false(sensor->has_sensor_no);
    assert_false(sensor->has_created_at);
}

static void times_are_rfc_3339_and_lists_keep_their_order(void **state)
{
    const Nwims__V1__AggregateRequest *request = read_ok(*state, &nwims__v1__aggregate_request__descriptor,
        "{\"sensor_id\":\"S\",\"from_at\":\"1970-01-01T01:00:00.5+01:00\",\"to_at\":\"1970-01-01T00:00:02Z\","
        "\"window\":\"1h\"}");
    assert_int_equal(request->from_at, 500000);
    assert_int_equal(request->to_at, 2000000);
    const Nwims__V1__LatestRequest *latest =
        read_ok(*state, &nwims__v1__latest_request__descriptor, "{\"sensor_ids\":[\"b\",\"a\",\"\"]}");
    assert_int_equal(latest->n_sensor_ids, 3);
    assert_string_equal(latest->sensor_ids[0], "b");
    assert_string_equal(latest->sensor_ids[2], "");
}

static void every_kind_of_number_and_bytes_are_taken(void **state)
{
    const Nwims__V1__ReadingBatch *batch = read_ok(*state, &nwims__v1__reading_batch__descriptor,
        "{\"batch_id\":\"AAECAw==\",\"base_at\":\"2026-01-01T00:00:00Z\",\"sensor_no\":[1,2147483647,-2147483648],"
        "\"observed_delta_us\":[\"9223372036854775807\",-9007199254740991,5],\"value\":[0.1,1e-7,-0.0],"
        "\"status\":[4294967295,0],\"provenance\":{\"protocol\":\"http\"}}");
    assert_int_equal(batch->batch_id.len, 4);
    assert_memory_equal(batch->batch_id.data, "\0\1\2\3", 4);
    assert_int_equal(batch->sensor_no[2], INT32_MIN);
    assert_true(batch->observed_delta_us[0] == INT64_MAX);
    assert_true(batch->observed_delta_us[1] == -9007199254740991);
    assert_true(batch->value[0] == 0.1);
    assert_true(batch->status[0] == UINT32_MAX);
    assert_string_equal(batch->provenance->protocol, "http");
}

static void what_is_no_single_json_object_is_refused(void **state)
{
    static const struct {
        const char *name;
        const char *json;
        size_t size; /* 0: strlen */
        const char *says;
    } cases[] = {
        { "nothing", "", 0, "nothing" },
        { "white space", "  ", 0, "byte" },
        { "a list", "[]", 0, "object" },
        { "a text", "\"a\"", 0, "object" },
        { "cut off", "{\"code\":\"S", 0, "no end" },
        { "cut off in an escape", "{\"code\":\"S\\", 0, "no end" },
        { "cut off after a colon", "{\"code\":", 0, "byte 7" },
        { "something behind it", "{} x", 0, "follows" },
        { "another object behind it", "{}{}", 0, "follows" },
        { "a NUL behind it", "{}\0", 3, "place" },
        { "a byte order mark", "\xef\xbb\xbf{}", 0, "place" },
        { "a control character as white space", "{\f}", 0, "place" },
        { "a raw newline in a text", "{\"code\":\"a\nb\"}", 0, "control character" },
        { "NUL in a text", "{\"code\":\"a\\u0000b\"}", 0, "u0000" },
        { "an escape without digits", "{\"code\":\"a\\uZZZZ\"}", 0, "hex" },
        { "half an escape", "{\"code\":\"\\u00", 0, "hex" },
        { "an unknown escape", "{\"code\":\"\\x41\"}", 0, "not JSON" },
        { "half a surrogate pair", "{\"code\":\"\\ud800\"}", 0, "not JSON" },
        { "Latin-1", "{\"code\":\"caf\xe9\"}", 0, "UTF-8" },
        { "an overlong slash", "{\"code\":\"\xc0\xaf\"}", 0, "UTF-8" },
        { "infinity", "{\"range_min\":1e999}", 0, "number" },
        { "NaN", "{\"range_min\":NaN}", 0, "place" },
        { "a leading zero", "{\"range_min\":01}", 0, "not JSON" },
        { "a bare point", "{\"range_min\":1.}", 0, "number" },
        { "a plus", "{\"range_min\":+1}", 0, "place" },
        { "hex", "{\"range_min\":0x1}", 0, "not JSON" },
        { "single quotes", "{'code':1}", 0, "place" },
        { "a comma too many", "{\"code\":\"a\",}", 0, "not JSON" },
        { "a comment", "{/* */}", 0, "place" },
        { "True", "{\"a\":True}", 0, "place" },
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *message = fresh(fixture, &nwims__v1__sensor__descriptor);
        size_t size = cases[i].size > 0 ? cases[i].size : strlen(cases[i].json);
        if (read_into(fixture, message, cases[i].json, size, false))
            fail_msg("%s was taken", cases[i].name);
        assert_int_equal(fixture->err.kind, ERR_INPUT);
        assert_int_equal(fixture->violations.count, 0);
        if (!strstr(fixture->err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].name, fixture->err.text);
    }
}

static void nesting_is_refused_before_anything_recurses(void **state)
{
    struct fixture *fixture = *state;
    enum { DEEP = 100000 };
    char *json = malloc(DEEP);
    memset(json, '[', DEEP);
    void *message = fresh(fixture, &nwims__v1__sensor__descriptor);
    assert_false(read_into(fixture, message, json, DEEP, false));
    assert_non_null(strstr(fixture->err.text, "deep"));
    free(json);
}

static void more_values_than_the_memory_allows_are_refused(void **state)
{
    struct fixture *fixture = *state;
    enum { MANY = 600000 };
    char *json = malloc(MANY + 32);
    size_t at = (size_t)sprintf(json, "{\"sensor_ids\":[");
    while (at + 4 < MANY)
        at += (size_t)sprintf(json + at, "1,");
    at += (size_t)sprintf(json + at, "1]}");
    void *message = fresh(fixture, &nwims__v1__latest_request__descriptor);
    assert_false(read_into(fixture, message, json, at, false));
    assert_int_equal(fixture->err.kind, ERR_INPUT);
    assert_non_null(strstr(fixture->err.text, "too many"));
    free(json);
}

static void each_wrong_field_is_named_with_its_reason(void **state)
{
    static const struct {
        const char *fields; /* behind a good code and kind */
        const char *field;
        const char *says;
    } cases[] = {
        { "\"colour\":1", "colour", "no such field" },
        { "\"Name\":\"a\"", "Name", "no such field" },
        { "\"name\":\"a\",\"name\":\"b\"", "name", "twice" },
        { "\"name\":null,\"name\":\"b\"", "name", "twice" },
        { "\"name\":1", "name", "a text is wanted" },
        { "\"name\":[\"a\"]", "name", "a text is wanted" },
        { "\"name\":\"\"", "name", "1 to 200 bytes" },
        { "\"range_min\":\"1\"", "range_min", "a number is wanted" },
        { "\"range_min\":true", "range_min", "a number is wanted" },
        { "\"period_s\":1.5", "period_s", "whole number" },
        { "\"period_s\":{}", "period_s", "whole number" },
        { "\"period_s\":\"x\"", "period_s", "whole number" },
        { "\"period_s\":0", "period_s", "from 1 to 31536000" },
        { "\"period_s\":\"31536001\"", "period_s", "from 1 to 31536000" },
        { "\"period_s\":9007199254740993", "period_s", "send it as text" },
        { "\"state\":\"Active\"", "state", "one of active, disabled" },
        { "\"state\":\"activ\"", "state", "one of active, disabled" },
        { "\"device_id\":\"7\"", "device_id", "UUID" },
    };
    struct fixture *fixture = *state;
    char json[256];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *message = fresh(fixture, &nwims__v1__sensor__descriptor);
        int length = snprintf(json, sizeof json, "%s,%s}", good_sensor, cases[i].fields);
        if (read_into(fixture, message, json, (size_t)length, true))
            fail_msg("%s was taken", json);
        assert_int_equal(fixture->err.kind, ERR_INPUT);
        assert_int_equal(fixture->violations.count, 1);
        assert_string_equal(fixture->violations.items[0].field, cases[i].field);
        if (!strstr(fixture->violations.items[0].reason, cases[i].says))
            fail_msg("%s: %s", json, fixture->violations.items[0].reason);
        assert_non_null(strstr(fixture->err.text, cases[i].field));
    }
}

static void required_and_code_rules_are_kept(void **state)
{
    struct fixture *fixture = *state;
    void *message = fresh(fixture, &nwims__v1__sensor__descriptor);
    assert_false(read_text(fixture, message, "{\"kind\":null}", true));
    assert_int_equal(fixture->violations.count, 2);
    assert_string_equal(fixture->violations.items[0].field, "code");
    assert_string_equal(fixture->violations.items[0].reason, "is required");
    assert_non_null(strstr(fixture->err.text, "(and 1 more)"));
    message = fresh(fixture, &nwims__v1__sensor__descriptor);
    assert_true(read_text(fixture, message, "{}", false));
    message = fresh(fixture, &nwims__v1__sensor__descriptor);
    assert_false(read_text(fixture, message, "{\"code\":\"a b\"}", false));
    assert_non_null(strstr(fixture->err.text, "letters, digits"));
    message = fresh(fixture, &nwims__v1__latest_request__descriptor);
    assert_false(read_text(fixture, message, "{\"sensor_ids\":[]}", true));
    assert_string_equal(fixture->violations.items[0].reason, "is required");
}

static void wrong_values_deep_inside_are_named_by_their_path(void **state)
{
    static const char json[] =
        "{\"items\":[{\"code\":\"A\",\"name\":\"a\"},7,{\"code\":\"not a code\",\"name\":\"b\",\"x\":1},"
        "{\"code\":\"D\",\"name\":\"d\",\"population\":\"many\",\"latitude\":91},null]}";
    static const char *const expected[] = { "items[1]", "items[2].x", "items[3].population", "items[4]",
        "items[2].code", "items[3].latitude" };
    struct fixture *fixture = *state;
    void *message = fresh(fixture, &nwims__v1__list_municipalities_reply__descriptor);
    assert_false(read_into(fixture, message, json, sizeof json - 1, false));
    assert_int_equal(fixture->violations.count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_string_equal(fixture->violations.items[i].field, expected[i]);
    assert_string_equal(fixture->violations.items[0].reason, "an object is wanted");
}

static void lists_and_single_values_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    void *message = fresh(fixture, &nwims__v1__latest_request__descriptor);
    assert_false(read_text(fixture, message, "{\"sensor_ids\":\"a\"}", true));
    assert_int_equal(fixture->violations.count, 1);
    assert_string_equal(fixture->violations.items[0].reason, "a list is wanted");
    message = fresh(fixture, &nwims__v1__latest_request__descriptor);
    assert_false(read_text(fixture, message, "{\"sensor_ids\":[\"a\",2,\"c\"]}", true));
    assert_string_equal(fixture->violations.items[0].field, "sensor_ids[1]");
}

static void numbers_out_of_their_type_are_refused(void **state)
{
    static const struct {
        const char *json;
        const char *says;
    } cases[] = {
        { "{\"tenant_id\":2147483648}", "beyond" },
        { "{\"tenant_id\":1e300}", "beyond" },
        { "{\"tenant_id\":\"5\"}", "whole number" },
        { "{\"status\":[-1]}", "beyond" },
        { "{\"status\":[4294967296]}", "beyond" },
        { "{\"observed_delta_us\":[\"9223372036854775808\"]}", "whole number" },
        { "{\"observed_delta_us\":[-9007199254740992]}", "send it as text" },
        { "{\"base_at\":1700000000000000}", "a time is wanted" },
        { "{\"base_at\":\"yesterday\"}", "a time is wanted" },
        { "{\"base_at\":\"0001-01-01T00:00:00+01:00\"}", "years 1 to 9999" },
        { "{\"base_at\":\"9999-12-31T23:59:59-01:00\"}", "years 1 to 9999" },
        { "{\"batch_id\":\"A\"}", "base64" },
        { "{\"batch_id\":\"AB==\"}", "base64" },
        { "{\"batch_id\":5}", "base64" },
        { "{\"provenance\":\"x\"}", "an object is wanted" },
        { "{\"provenance\":[]}", "an object is wanted" },
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *message = fresh(fixture, &nwims__v1__reading_batch__descriptor);
        if (read_into(fixture, message, cases[i].json, strlen(cases[i].json), false) ||
            fixture->violations.count != 1 || !strstr(fixture->violations.items[0].reason, cases[i].says))
            fail_msg("%s: %s", cases[i].json, fixture->err.text);
    }
}

static void the_list_of_violations_is_bounded_and_names_are_cut(void **state)
{
    struct fixture *fixture = *state;
    char json[8192];
    size_t at = (size_t)sprintf(json, "{\"%0200d\":1", 7);
    for (int i = 0; i < 60; i++)
        at += (size_t)sprintf(json + at, ",\"unknown%d\":1", i);
    json[at++] = '}';
    void *message = fresh(fixture, &nwims__v1__sensor__descriptor);
    assert_false(read_into(fixture, message, json, at, true));
    assert_int_equal(fixture->violations.count, COUNT_OF(fixture->violations.items));
    assert_int_equal(strlen(fixture->violations.items[0].field), 64);
}

static void a_full_arena_is_our_limit_not_the_callers_mistake(void **state)
{
    struct fixture *fixture = *state;
    static const char json[] =
        "{\"items\":[{\"code\":\"A\",\"name\":\"a\"},{\"code\":\"B\",\"name\":\"b\"}],\"next_cursor\":\"abc\"}";
    int taken = 0, limited = 0;
    for (size_t ceiling = 64; ceiling <= 2048; ceiling += 16) {
        struct arena small;
        struct transcode_violations violations = { 0 };
        struct err err = { 0 };
        arena_init(&small, ceiling);
        ProtobufCMessage *message = wire_new(&small, &nwims__v1__list_municipalities_reply__descriptor);
        if (message && transcode_from_json(message, &small, json, sizeof json - 1, true, &violations, &err))
            taken++;
        else if (message) {
            assert_int_equal(err.kind, ERR_LIMIT);
            limited++;
        }
        arena_done(&small);
    }
    (void)fixture;
    assert_true(taken > 0 && limited > 0);
}

static void parameters_set_fields_and_the_path_wins_over_the_body(void **state)
{
    struct fixture *fixture = *state;
    Nwims__V1__Sensor *sensor = fresh(fixture, &nwims__v1__sensor__descriptor);
    ProtobufCMessage *message = &sensor->base;
    assert_true(transcode_set_field(message, &fixture->arena, "id", "from-path", &fixture->violations, &fixture->err));
    assert_true(transcode_set_field(message, &fixture->arena, "code", "PATH", &fixture->violations, &fixture->err));
    assert_true(read_text(fixture, message, "{\"id\":\"other\",\"code\":\"BODY\",\"kind\":\"flow\"}", true));
    assert_string_equal(sensor->id, "from-path");
    assert_string_equal(sensor->code, "PATH");
    assert_true(transcode_set_field(message, &fixture->arena, "code", "LATER", &fixture->violations, &fixture->err));
    assert_string_equal(sensor->code, "LATER");
}

static void parameters_of_every_kind_are_read_from_text(void **state)
{
    static const struct {
        const char *field;
        const char *text;
        bool is_taken;
    } cases[] = { { "limit", "10000", true }, { "limit", "0", false }, { "limit", "10001", false },
        { "limit", "1e3", false }, { "limit", "", false }, { "limit", " 5", false }, { "limit", "99999999999", false },
        { "from_at", "2026-01-01T00:00:00Z", true }, { "from_at", "1767225600", false }, { "order", "asc", true },
        { "order", "up", false }, { "cursor", "", true }, { "id", "caf\xe9", false }, { "id", "", false } };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *message = fresh(fixture, &nwims__v1__series_request__descriptor);
        bool ok = transcode_set_field(
            message, &fixture->arena, cases[i].field, cases[i].text, &fixture->violations, &fixture->err);
        if (ok != cases[i].is_taken)
            fail_msg("%s=%s: %s", cases[i].field, cases[i].text, fixture->err.text);
        assert_int_equal(fixture->violations.count, !ok);
        assert_int_equal(fixture->err.kind, ok ? ERR_NONE : ERR_INPUT);
    }
}

static void reals_lists_and_bytes_come_from_parameters_too(void **state)
{
    struct fixture *fixture = *state;
    Nwims__V1__Sensor *sensor = fresh(fixture, &nwims__v1__sensor__descriptor);
    assert_true(transcode_set_field(
        &sensor->base, &fixture->arena, "range_min", "-2.5e1", &fixture->violations, &fixture->err));
    assert_true(sensor->range_min == -25);
    assert_false(
        transcode_set_field(&sensor->base, &fixture->arena, "range_max", "nan", &fixture->violations, &fixture->err));
    Nwims__V1__LatestRequest *latest = fresh(fixture, &nwims__v1__latest_request__descriptor);
    for (int i = 0; i < 3; i++)
        assert_true(transcode_set_field(
            &latest->base, &fixture->arena, "sensor_ids", i == 1 ? "b" : "a", &fixture->violations, &fixture->err));
    assert_int_equal(latest->n_sensor_ids, 3);
    assert_string_equal(latest->sensor_ids[1], "b");
    Nwims__V1__ReadingBatch *batch = fresh(fixture, &nwims__v1__reading_batch__descriptor);
    assert_true(
        transcode_set_field(&batch->base, &fixture->arena, "batch_id", "/+8", &fixture->violations, &fixture->err));
    assert_memory_equal(batch->batch_id.data, "\xff\xef", 2);
    assert_false(
        transcode_set_field(&batch->base, &fixture->arena, "provenance", "x", &fixture->violations, &fixture->err));
}

static void an_unknown_parameter_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    ProtobufCMessage *message = fresh(fixture, &nwims__v1__series_request__descriptor);
    assert_false(transcode_set_field(message, &fixture->arena, "Limit", "1", &fixture->violations, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_NOT_FOUND);
    assert_int_equal(fixture->violations.count, 0);
}

static void the_check_finds_what_the_parameters_left_out(void **state)
{
    struct fixture *fixture = *state;
    ProtobufCMessage *message = fresh(fixture, &nwims__v1__aggregate_request__descriptor);
    assert_true(transcode_set_field(message, &fixture->arena, "sensor_id", "S", &fixture->violations, &fixture->err));
    assert_true(transcode_check(message, false, &fixture->violations, &fixture->arena, &fixture->err));
    assert_false(transcode_check(message, true, &fixture->violations, &fixture->arena, &fixture->err));
    assert_int_equal(fixture->violations.count, 3);
    assert_string_equal(fixture->violations.items[0].field, "from_at");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_object_fills_the_message),
        TEST(read_only_fields_are_ignored),
        TEST(times_are_rfc_3339_and_lists_keep_their_order),
        TEST(every_kind_of_number_and_bytes_are_taken),
        TEST(what_is_no_single_json_object_is_refused),
        TEST(nesting_is_refused_before_anything_recurses),
        TEST(more_values_than_the_memory_allows_are_refused),
        TEST(each_wrong_field_is_named_with_its_reason),
        TEST(required_and_code_rules_are_kept),
        TEST(wrong_values_deep_inside_are_named_by_their_path),
        TEST(lists_and_single_values_are_told_apart),
        TEST(numbers_out_of_their_type_are_refused),
        TEST(the_list_of_violations_is_bounded_and_names_are_cut),
        TEST(a_full_arena_is_our_limit_not_the_callers_mistake),
        TEST(parameters_set_fields_and_the_path_wins_over_the_body),
        TEST(parameters_of_every_kind_are_read_from_text),
        TEST(reals_lists_and_bytes_come_from_parameters_too),
        TEST(an_unknown_parameter_is_not_found),
        TEST(the_check_finds_what_the_parameters_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
