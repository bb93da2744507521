/* null in a PATCH, and geometries, which stay JSON. */
#include "nwims/v1/registry.pb-c.h"
#include "transcode/geojson.h"
#include "transcode/transcode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static bool read_patch(
    ProtobufCMessage **out_message, const ProtobufCMessageDescriptor *type, const char *json, char field[64])
{
    struct transcode_violations violations = { 0 };
    struct err err = { 0 };
    arena_done(&arena);
    arena_init(&arena, 4 * 1024 * 1024);
    ProtobufCMessage *message = wire_new(&arena, type);
    assert_non_null(message);
    bool ok = transcode_from_json(message, &arena, json, strlen(json), false, &violations, &err) &&
              transcode_check(message, false, &violations, &arena, &err);
    snprintf(field, 64, "%s", violations.count > 0 ? violations.items[0].field : "");
    *out_message = message;
    return ok;
}

static void null_names_the_field_to_clear(void **state)
{
    (void)state;
    char field[64];
    ProtobufCMessage *message;
    assert_true(read_patch(&message, &nwims__v1__municipality__descriptor,
        "{\"population\":null,\"name\":\"x\",\"region_id\":null}", field));
    const Nwims__V1__Municipality *patch = (Nwims__V1__Municipality *)message;
    assert_int_equal(patch->n_clear, 2);
    assert_string_equal(patch->clear[0], "population");
    assert_string_equal(patch->clear[1], "region_id");
    assert_false(patch->has_population);
}

static void what_has_to_be_there_cannot_be_cleared(void **state)
{
    (void)state;
    static const struct {
        const char *json, *field;
    } cases[] = { { "{\"code\":null}", "code" }, { "{\"kind\":null}", "kind" }, { "{\"unit\":null}", "unit" },
        { "{\"state\":null}", "state" }, { "{\"clear\":[\"name\"]}", "clear" } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char field[64];
        ProtobufCMessage *message;
        assert_false(read_patch(&message, &nwims__v1__sensor__descriptor, cases[i].json, field));
        assert_string_equal(field, cases[i].field);
    }
}

static void a_geometry_goes_in_and_out_as_json(void **state)
{
    (void)state;
    char field[64];
    ProtobufCMessage *message;
    AUTO_INPLACE(buffer) json = { 0 };
    struct err err = { 0 };
    assert_true(read_patch(&message, &nwims__v1__zone__descriptor,
        "{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[8,47],[9,47],[9,48],[8,47]]]}}", field));
    assert_true(transcode_to_json(&json, message, &err));
    assert_string_equal(
        json.data, "{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[8,47],[9,47],[9,48],[8,47]]]}}");
    assert_false(read_patch(
        &message, &nwims__v1__zone__descriptor, "{\"geometry\":{\"type\":\"Point\",\"coordinates\":[8,47]}}", field));
    assert_string_equal(field, "geometry");
    assert_false(read_patch(&message, &nwims__v1__zone__descriptor, "{\"geometry\":\"x\"}", field));
}

static const struct {
    const char *text;
    bool is_good;
} geometries[] = {
    { "{\"type\":\"Point\",\"coordinates\":[8.5,47.4]}", true },
    { "{\"type\":\"Point\",\"coordinates\":[8.5,47.4,400]}", true },
    { "{\"coordinates\":[[[[0,0],[1,0],[1,1],[0,0]]]],\"type\":\"MultiPolygon\"}", true },
    { "{\"type\":\"Point\",\"coordinates\":[8.5]}", false },
    { "{\"type\":\"Point\",\"coordinates\":[47,200]}", false },
    { "{\"type\":\"Point\",\"coordinates\":[\"8\",\"47\"]}", false },
    { "{\"type\":\"Point\",\"coordinates\":[1e999,0]}", false },
    { "{\"type\":\"Point\"}", false },
    { "{\"type\":\"Point\",\"coordinates\":[0,0],\"x\":1}", false },
    { "{\"type\":\"Point\",\"type\":\"Point\",\"coordinates\":[0,0]}", false },
    { "{\"type\":7,\"coordinates\":[0,0]}", false },
    { "{\"type\":\"LineString\",\"coordinates\":[[0,0],[1,1]]}", false },
    { "{\"type\":\"Polygon\",\"coordinates\":[]}", false },
    { "{\"type\":\"Polygon\",\"coordinates\":[[]]}", false },
    { "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1]]]}", false },
    { "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,1]]]}", false },
    { "{\"type\":\"Polygon\",\"coordinates\":{}}", false },
    { "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[0,0],[1,0],[1,1],[0,1]]]]}", false },
    { "[]", false },
    { "null", false },
    { "", false },
    { "{", false },
};

static void geometries_are_held_against_rfc_7946(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(geometries); i++) {
        struct err err = { 0 };
        if (geojson_check(geometries[i].text, NULL, &err) != geometries[i].is_good)
            fail_msg("%s: %s", geometries[i].text, err.text);
    }
}

static void a_geometry_is_bounded(void **state)
{
    (void)state;
    AUTO_INPLACE(buffer) text = { 0 };
    struct err err = { 0 };
    buffer_put_text(&text, "{\"type\":\"Polygon\",\"coordinates\":[[");
    for (int i = 0; i <= GEOJSON_MOST_POSITIONS; i++)
        buffer_put_text(&text, "[0,0],");
    buffer_put_text(&text, "[0,0]]]}");
    assert_false(geojson_check(text.data, NULL, &err));
    assert_non_null(strstr(err.text, "10000"));
    while (text.size <= GEOJSON_LARGEST_BYTES)
        buffer_put_text(&text, "                                ");
    assert_false(geojson_check(text.data, NULL, &err));
    assert_non_null(strstr(err.text, "128 KiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_names_the_field_to_clear),
        cmocka_unit_test(what_has_to_be_there_cannot_be_cleared),
        cmocka_unit_test(a_geometry_goes_in_and_out_as_json),
        cmocka_unit_test(geometries_are_held_against_rfc_7946),
        cmocka_unit_test(a_geometry_is_bounded),
    };
    arena_init(&arena, 4 * 1024 * 1024);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return result;
}
