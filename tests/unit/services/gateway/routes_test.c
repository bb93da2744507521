/* The table of routes is whole: every line can be answered, and the document tells of every line. */
#include "documents.h"
#include "route.h"
#include "rpc_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_route_has_somebody_who_answers_it(void **state)
{
    (void)state;
    for (size_t r = 0; routers[r]; r++)
        for (const struct route *route = routers[r]->routes; route->method; route++) {
            if (route->handler ? !route->manual : !route_method(route))
                fail_msg("%s %s has neither a handler with its manual nor a method", route->method, route->path);
            assert_true((route->success >= 200 && route->success < 300) || route->success == 101); /* WebSocket */
            assert_non_null(route->permission);
        }
}

static void every_path_parameter_is_a_field_of_the_request(void **state)
{
    (void)state;
    for (size_t r = 0; routers[r]; r++)
        for (const struct route *route = routers[r]->routes; route->method; route++)
            for (const char *at = strchr(route->path, '{'); at && route->service; at = strchr(at + 1, '{')) {
                char name[64];
                snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
                if (!protobuf_c_message_descriptor_get_field_by_name(route_method(route)->input, name))
                    fail_msg("%s: %s is no field of %s", route->path, name, route_method(route)->input->name);
            }
}

static void what_writes_needs_a_permission_and_only_logging_in_needs_none(void **state)
{
    (void)state;
    for (size_t r = 0; routers[r]; r++)
        for (const struct route *route = routers[r]->routes; route->method; route++)
            if (strcmp(route->method, "GET") != 0 && strncmp(route->path, "/auth/", 6) != 0 &&
                !strchr(route->permission, ':'))
                fail_msg("%s %s can be called without a permission", route->method, route->path);
}

static void the_document_tells_of_every_route(void **state)
{
    AUTO_INPLACE(buffer) document = { 0 };
    struct err err = { 0 };
    (void)state;
    assert_true(documents_write_openapi(&document, &err));
    for (size_t r = 0; routers[r]; r++)
        for (const struct route *route = routers[r]->routes; route->method; route++) {
            char path[160];
            snprintf(path, sizeof path, "\"%s\":{", route->path);
            if (!strstr(document.data, path))
                fail_msg("%s is not in the document", route->path);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_has_somebody_who_answers_it),
        cmocka_unit_test(every_path_parameter_is_a_field_of_the_request),
        cmocka_unit_test(what_writes_needs_a_permission_and_only_logging_in_needs_none),
        cmocka_unit_test(the_document_tells_of_every_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
