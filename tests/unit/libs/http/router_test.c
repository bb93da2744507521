#include "http/http_router.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *method;
    const char *pattern;
} routes[] = {
    { "GET", "/" },
    { "GET", "/sensors" },
    { "POST", "/sensors" },
    { "GET", "/sensors/{id}" },
    { "DELETE", "/sensors/{id}" },
    { "GET", "/sensors/{sensor_id}/latest" },
    { "POST", "/sensors/import" },
    { "GET", "/alerts/statistics" },
    { "GET", "/alerts/{id}/history" },
    { "GET", "/municipalities.geojson" },
    { "GET", "/a/{b}/{c}/{d}/{e}" },
};

static struct http_router *make(void)
{
    struct err err = { 0 };
    struct http_router *router = http_router_new();
    assert_non_null(router);
    for (size_t i = 0; i < COUNT_OF(routes); i++)
        if (!http_router_add(router, routes[i].method, routes[i].pattern, (void *)(uintptr_t)&routes[i], &err))
            fail_msg("%s", err.text);
    return router;
}

static void paths_lead_to_their_routes(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *pattern, *name, *value;
    } cases[] = {
        { "GET", "/", "/", NULL, NULL },
        { "GET", "/sensors", "/sensors", NULL, NULL },
        { "POST", "/sensors", "/sensors", NULL, NULL },
        { "GET", "/sensors/7", "/sensors/{id}", "id", "7" },
        { "HEAD", "/sensors/7", "/sensors/{id}", "id", "7" },
        { "GET", "/sensors/a b\xc3\xa4", "/sensors/{id}", "id", "a b\xc3\xa4" },
        { "GET", "/sensors/7/latest", "/sensors/{sensor_id}/latest", "sensor_id", "7" },
        { "POST", "/sensors/import", "/sensors/import", NULL, NULL },
        { "GET", "/sensors/import", "/sensors/{id}", "id", "import" }, /* the text has no GET: the parameter has */
        { "GET", "/alerts/statistics", "/alerts/statistics", NULL, NULL },
        { "GET", "/alerts/statistics/history", "/alerts/{id}/history", "id", "statistics" },
        { "GET", "/municipalities.geojson", "/municipalities.geojson", NULL, NULL },
    };
    AUTO(http_router) router = make();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_match match;
        if (!http_router_find(router, cases[i].method, cases[i].path, &match))
            fail_msg("%s %s leads nowhere", cases[i].method, cases[i].path);
        const struct {
            const char *method, *pattern;
        } *route = match.route;
        assert_string_equal(route->pattern, cases[i].pattern);
        assert_int_equal(match.parameter_count, cases[i].name ? 1 : 0);
        if (cases[i].name) {
            assert_string_equal(match.parameters[0].name, cases[i].name);
            assert_string_equal(match.parameters[0].value, cases[i].value);
        }
    }
}

static void several_parameters_come_in_order(void **state)
{
    (void)state;
    AUTO(http_router) router = make();
    struct http_match match;
    assert_true(http_router_find(router, "GET", "/a/1/2/3/4", &match));
    assert_int_equal(match.parameter_count, 4);
    assert_string_equal(match.parameters[0].name, "b");
    assert_string_equal(match.parameters[3].name, "e");
    assert_string_equal(match.parameters[3].value, "4");
}

static void unknown_paths_lead_nowhere(void **state)
{
    (void)state;
    char longest[200] = "/sensors/", too_long[200] = "/sensors/";
    memset(longest + 9, 'x', ROUTE_PARAMETER_SIZE - 1);
    memset(too_long + 9, 'x', ROUTE_PARAMETER_SIZE);
    const char *const paths[] = { "/sensor", "/sensors/", "/sensors//latest", "/sensors/7/", "/sensors/7/late", "//",
        "", "sensors", "/alerts", "/a/1/2/3", too_long };
    AUTO(http_router) router = make();
    struct http_match match;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        if (http_router_find(router, "GET", paths[i], &match))
            fail_msg("%s leads somewhere", paths[i]);
        assert_string_equal(match.allowed, "");
    }
    assert_true(http_router_find(router, "GET", longest, &match));
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    (void)state;
    AUTO(http_router) router = make();
    struct http_match match;
    assert_false(http_router_find(router, "PUT", "/sensors", &match));
    assert_string_equal(match.allowed, "GET, POST");
    assert_false(http_router_find(router, "HEAD", "/sensors/import/x", &match));
    assert_false(http_router_find(router, "PATCH", "/sensors/import", &match));
    assert_string_equal(match.allowed, "POST, GET, DELETE");
    assert_true(http_router_find(router, "GET", "/sensors", &match));
    assert_string_equal(match.allowed, "");
}

static void routes_that_cannot_be_are_bugs(void **state)
{
    (void)state;
    static const char *const patterns[] = { "/sensors", "sensors", "", "/x/", "/x//y", "/x/{id}.json",
        "/{a}/{b}/{c}/{d}/{e}", "/sensors/{other}" };
    AUTO(http_router) router = make();
    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        struct err err = { 0 };
        if (http_router_add(router, "GET", patterns[i], NULL, &err))
            fail_msg("\"%s\" was taken", patterns[i]);
        assert_int_equal(err.kind, ERR_BUG);
    }
    http_router_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_to_their_routes),
        cmocka_unit_test(several_parameters_come_in_order),
        cmocka_unit_test(unknown_paths_lead_nowhere),
        cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
        cmocka_unit_test(routes_that_cannot_be_are_bugs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
