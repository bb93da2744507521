/* The OpenAPI schemas and the document around them. With NWIMS_OPENAPI_OUT set the document is written there, for other
 * checkers. */
#include "every_type.h"
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/identity.pb-c.h"
#include "nwims/v1/readings.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "transcode/json_tree.h"
#include "transcode/openapi_document.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_field_schema(const ProtobufCMessageDescriptor *type, const char *field, const char *expected)
{
    AUTO_INPLACE(buffer) out = { 0 };
    openapi_write_field_schema(&out, type, protobuf_c_message_descriptor_get_field_by_name(type, field));
    assert_string_equal(out.data, expected);
}

static void the_schema_of_a_field_has_its_type_and_rules(void **state)
{
    const ProtobufCMessageDescriptor *sensor = &nwims__v1__sensor__descriptor,
                                     *batch = &nwims__v1__reading_batch__descriptor;
    (void)state;
    expect_field_schema(sensor, "code",
        "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,\"pattern\":\"^[A-Za-z0-9_.:/"
        "-]+$\",\"examples\":[\"SENSOR_001\"]}");
    expect_field_schema(sensor, "device_id", "{\"type\":\"string\",\"format\":\"uuid\"}");
    expect_field_schema(sensor, "state", "{\"type\":\"string\",\"enum\":[\"active\",\"disabled\"]}");
    expect_field_schema(
        sensor, "period_s", "{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1,\"maximum\":31536000}");
    expect_field_schema(sensor, "range_min", "{\"type\":\"number\",\"format\":\"double\"}");
    expect_field_schema(sensor, "created_at", "{\"type\":\"string\",\"format\":\"date-time\"}");
    expect_field_schema(sensor, "sensor_no", "{\"type\":\"integer\",\"format\":\"int32\"}");
    expect_field_schema(batch, "batch_id", "{\"type\":\"string\",\"contentEncoding\":\"base64\"}");
    expect_field_schema(batch, "flags", "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0}}");
    expect_field_schema(&nwims__v1__latest_request__descriptor, "sensor_ids",
        "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}}");
}

static void types_of_tomorrow_have_schemas_too(void **state)
{
    (void)state;
    expect_field_schema(&every_type_descriptor, "flag", "{\"type\":\"boolean\"}");
    expect_field_schema(&every_type_descriptor, "small", "{\"type\":\"number\",\"format\":\"float\"}");
    expect_field_schema(&every_type_descriptor, "large", "{\"type\":\"integer\",\"minimum\":0}");
    expect_field_schema(&every_type_descriptor, "state", "{\"type\":\"string\",\"enum\":[\"OFF\",\"ON\"]}");
}

static void a_request_has_no_read_only_fields_and_lists_what_is_required(void **state)
{
    AUTO_INPLACE(buffer) reply = { 0 };
    AUTO_INPLACE(buffer) request = { 0 };
    (void)state;
    openapi_write_schema(&request, &nwims__v1__sensor__descriptor, true);
    assert_null(strstr(request.data, "\"sensor_no\""));
    assert_null(strstr(request.data, "readOnly"));
    assert_non_null(strstr(request.data, "\"required\":[\"code\",\"kind\"],\"additionalProperties\":false}"));
    openapi_write_schema(&reply, &nwims__v1__sensor__descriptor, false);
    assert_non_null(strstr(reply.data, "\"sensor_no\":{\"type\":\"integer\",\"format\":\"int32\",\"description\":"
                                       "\"Number inside the system.\",\"readOnly\":true}"));
    assert_null(strstr(reply.data, "\"required\""));
    assert_null(strstr(reply.data, "additionalProperties"));
}

static void nested_messages_are_references(void **state)
{
    AUTO_INPLACE(buffer) reply = { 0 };
    (void)state;
    openapi_write_schema(&reply, &nwims__v1__list_sensors_reply__descriptor, false);
    assert_non_null(
        strstr(reply.data, "\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Sensor\"}}"));
    assert_non_null(strstr(reply.data, "\"required\":[\"items\"]"));
}

#define TYPE(name) &nwims__v1__##name##__descriptor
static const struct openapi_operation operations[] = {
    { .method = "POST",
        .path = "/auth/login",
        .id = "Login",
        .tag = "auth",
        .summary = "Exchanges an e-mail address and a password for tokens.",
        .request = TYPE(login_request),
        .reply = TYPE(token_reply),
        .success_status = 200 },
    { .method = "GET",
        .path = "/auth/me",
        .id = "GetMe",
        .tag = "auth",
        .permission = "",
        .request = TYPE(empty),
        .reply = TYPE(me),
        .success_status = 200 },
    { .method = "GET",
        .path = "/sensors",
        .id = "ListSensors",
        .tag = "sensors",
        .summary = "Lists sensors.",
        .permission = "sensor:read",
        .request = TYPE(list_sensors_request),
        .reply = TYPE(list_sensors_reply),
        .success_status = 200 },
    { .method = "GET",
        .path = "/sensors/{id}",
        .id = "GetSensor",
        .tag = "sensors",
        .summary = "One sensor.",
        .permission = "sensor:read",
        .request = TYPE(by_id),
        .reply = TYPE(sensor),
        .success_status = 200 },
    { .method = "POST",
        .path = "/sensors",
        .id = "CreateSensor",
        .tag = "sensors",
        .summary = "Makes a sensor.",
        .permission = "sensor:write",
        .request = TYPE(sensor),
        .reply = TYPE(sensor),
        .success_status = 201 },
    { .method = "PATCH",
        .path = "/sensors/{id}",
        .id = "UpdateSensor",
        .tag = "sensors",
        .summary = "Changes the fields given.",
        .permission = "sensor:write",
        .request = TYPE(sensor),
        .reply = TYPE(sensor),
        .success_status = 200 },
    { .method = "DELETE",
        .path = "/sensors/{id}",
        .id = "DeleteSensor",
        .tag = "sensors",
        .summary = "Removes a sensor.",
        .permission = "sensor:write",
        .request = TYPE(by_id),
        .success_status = 204 },
    { .method = "POST",
        .path = "/devices/{id}/credentials",
        .id = "CreateCredential",
        .tag = "devices",
        .summary = "Makes a credential.",
        .permission = "device:write",
        .request = TYPE(create_credential_request),
        .reply = TYPE(credential),
        .success_status = 201 },
    { .method = "GET",
        .path = "/sensors/{sensor_id}/aggregates",
        .id = "GetAggregate",
        .tag = "sensors",
        .summary = "Windows.",
        .permission = "reading:read",
        .request = TYPE(aggregate_request),
        .reply = TYPE(aggregate_reply),
        .success_status = 200 },
    { .method = "POST",
        .path = "/sensors/latest",
        .id = "GetLatestOfMany",
        .tag = "sensors",
        .permission = "reading:read",
        .request = TYPE(latest_request),
        .reply = TYPE(latest_reply),
        .success_status = 200 },
    { .method = "POST",
        .path = "/municipalities/replace",
        .id = "Replace",
        .tag = "municipalities",
        .permission = "m:write",
        .request = TYPE(list_municipalities_reply),
        .reply = TYPE(empty),
        .success_status = 202 },
    { .method = "POST",
        .path = "/batch/readings",
        .id = "PostReadings",
        .tag = "readings",
        .permission = "reading:write",
        .success_status = 200,
        .request_schema = "{\"type\":\"object\"}",
        .reply_schema = "{\"type\":\"object\",\"properties\":{\"stored\":{\"type\":\"integer\"}}}",
        .request_media_types = "application/json|application/x-ndjson|text/csv" },
    { .method = "GET",
        .path = "/stream",
        .id = "Stream",
        .tag = "readings",
        .permission = "reading:read",
        .success_status = 200,
        .reply_media_types = "text/event-stream" },
    { .method = "GET",
        .path = "/sensors/{id}/latest",
        .id = "GetLatest",
        .tag = "sensors",
        .permission = "reading:read",
        .request = TYPE(by_id),
        .reply = TYPE(reading),
        .success_status = 200 },
    { .method = "GET",
        .path = "/devices/{code}/copy",
        .id = "GetLatest",
        .tag = "devices",
        .permission = "reading:read",
        .reply = TYPE(reading),
        .success_status = 200 },
};
static const struct openapi_info info = {
    .title = "NWIMS", .version = "1.0.0", .description = "Water.", .server_url = "/api/v1"
};

static struct cJSON *make_document(const struct openapi_operation *table, size_t count)
{
    AUTO_INPLACE(buffer) out = { 0 };
    struct err err = { 0 };
    struct cJSON *tree = NULL;
    if (!openapi_write_document(&out, &info, table, count, &err) || !json_tree_parse(&tree, out.data, out.size, &err))
        fail_msg("%s", err.text);
    const char *path = getenv("NWIMS_OPENAPI_OUT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fwrite(out.data, 1, out.size, file);
        fclose(file);
    }
    return tree;
}

/* "paths|/sensors|get|operationId"; a number is the place in a list. */
static const struct cJSON *at(const struct cJSON *tree, const char *path)
{
    char key[96];
    while (tree && *path) {
        size_t length = strcspn(path, "|");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        tree = cJSON_IsArray(tree) ? cJSON_GetArrayItem(tree, atoi(key)) : cJSON_GetObjectItemCaseSensitive(tree, key);
        path += length + (path[length] == '|');
    }
    return tree;
}

static void expect_text(const struct cJSON *tree, const char *path, const char *expected)
{
    const struct cJSON *found = at(tree, path);
    if (!found || !cJSON_IsString(found))
        fail_msg("%s is not there", path);
    else
        assert_string_equal(found->valuestring, expected);
}

static void the_document_holds_every_operation(void **state)
{
    AUTO(cJSON) tree = make_document(operations, COUNT_OF(operations));
    (void)state;
    expect_text(tree, "openapi", "3.1.0");
    expect_text(tree, "servers|0|url", "/api/v1");
    expect_text(tree, "paths|/sensors|get|operationId", "ListSensors");
    expect_text(tree, "paths|/sensors|post|operationId", "CreateSensor");
    expect_text(tree, "paths|/sensors/{id}|patch|summary", "Changes the fields given.");
    expect_text(tree, "paths|/auth/me|get|summary", "GetMe");
    expect_text(tree, "paths|/devices/{code}/copy|get|operationId", "GetLatest_2");
    assert_int_equal(cJSON_GetArraySize(at(tree, "tags")), 5);
    size_t count = 0;
    for (const struct cJSON *path = at(tree, "paths")->child; path; path = path->next)
        count += (size_t)cJSON_GetArraySize(path);
    assert_int_equal(count, COUNT_OF(operations));
}

static void permissions_say_who_may(void **state)
{
    AUTO(cJSON) tree = make_document(operations, COUNT_OF(operations));
    (void)state;
    expect_text(tree, "components|securitySchemes|bearer|scheme", "bearer");
    assert_non_null(at(tree, "security|0|bearer"));
    assert_int_equal(cJSON_GetArraySize(at(tree, "paths|/auth/login|post|security")), 0);
    assert_non_null(at(tree, "paths|/auth/login|post|security"));
    assert_null(at(tree, "paths|/auth/me|get|security"));
    assert_non_null(at(tree, "paths|/auth/login|post|responses|401")); /* a wrong password */
    assert_non_null(at(tree, "paths|/auth/me|get|responses|401"));
    expect_text(tree, "paths|/sensors|get|x-permission", "sensor:read");
}

static void path_and_query_parameters_come_from_the_request(void **state)
{
    AUTO(cJSON) tree = make_document(operations, COUNT_OF(operations));
    (void)state;
    expect_text(tree, "paths|/sensors|get|parameters|0|name", "limit");
    expect_text(tree, "paths|/sensors|get|parameters|0|in", "query");
    assert_null(at(tree, "paths|/sensors|get|parameters|0|required"));
    expect_text(tree, "paths|/sensors/{sensor_id}/aggregates|get|parameters|0|in", "path");
    assert_true(cJSON_IsTrue(at(tree, "paths|/sensors/{sensor_id}/aggregates|get|parameters|1|required")));
    assert_int_equal(cJSON_GetArraySize(at(tree, "paths|/sensors/{sensor_id}/aggregates|get|parameters")), 8);
    assert_int_equal(cJSON_GetArraySize(at(tree, "paths|/sensors/{id}|patch|parameters")), 1);
    assert_int_equal(cJSON_GetArraySize(at(tree, "paths|/sensors|post|parameters")), 0);
    expect_text(tree, "paths|/devices/{code}/copy|get|parameters|0|schema|type", "string");
}

static void bodies_refer_to_what_is_among_the_components(void **state)
{
    AUTO(cJSON) tree = make_document(operations, COUNT_OF(operations));
    (void)state;
    expect_text(tree, "paths|/sensors|post|requestBody|content|application/json|schema|$ref",
        "#/components/schemas/SensorInput");
    expect_text(tree, "paths|/sensors/{id}|patch|requestBody|content|application/json|schema|$ref",
        "#/components/schemas/SensorPatch");
    assert_null(at(tree, "components|schemas|SensorPatch|required"));
    assert_int_equal(cJSON_GetArraySize(at(tree, "components|schemas|SensorInput|required")), 2);
    assert_non_null(at(tree, "components|schemas|Window"));
    expect_text(tree, "components|schemas|ListMunicipalitiesReplyInput|properties|items|items|$ref",
        "#/components/schemas/MunicipalityInput");
    assert_non_null(at(tree, "components|schemas|MunicipalityInput"));
    assert_null(at(tree, "paths|/sensors/{id}|delete|requestBody"));
    assert_null(at(tree, "paths|/sensors/{id}|delete|responses|204|content"));
}

static void a_body_field_that_the_path_gives_is_not_asked_for_again(void **state)
{
    AUTO(cJSON) tree = make_document(operations, COUNT_OF(operations));
    const char schema[] = "paths|/devices/{id}/credentials|post|requestBody|content|application/json|schema";
    const struct cJSON *found = at(tree, schema);
    (void)state;
    assert_null(at(found, "properties|id"));
    assert_non_null(at(found, "properties|expires_at"));
    assert_null(at(found, "required"));
    assert_non_null(at(found, "patternProperties|^(id)$"));
}

static void hand_written_schemas_and_media_types_are_kept(void **state)
{
    AUTO(cJSON) tree = make_document(operations, COUNT_OF(operations));
    const struct cJSON *content = at(tree, "paths|/batch/readings|post|requestBody|content");
    (void)state;
    assert_int_equal(cJSON_GetArraySize(content), 3);
    expect_text(content, "application/json|schema|type", "object");
    expect_text(content, "text/csv|schema|type", "string");
    expect_text(content, "application/x-ndjson|schema|type", "string");
    expect_text(tree, "paths|/batch/readings|post|responses|200|content|application/json|schema|properties|stored|type",
        "integer");
    expect_text(tree, "paths|/stream|get|responses|200|content|text/event-stream|schema|type", "string");
}

static void failures_are_problem_details_where_they_can_happen(void **state)
{
    AUTO(cJSON) tree = make_document(operations, COUNT_OF(operations));
    (void)state;
    expect_text(tree, "paths|/sensors|post|responses|422|$ref", "#/components/responses/Invalid");
    expect_text(tree, "components|responses|Invalid|content|application/problem+json|schema|$ref",
        "#/components/schemas/Problem");
    assert_non_null(at(tree, "components|responses|TooManyRequests|headers|Retry-After"));
    assert_non_null(at(tree, "paths|/sensors|post|responses|415"));
    assert_null(at(tree, "paths|/sensors|get|responses|415"));
    assert_null(at(tree, "paths|/sensors|get|responses|409"));
    assert_non_null(at(tree, "paths|/sensors/{id}|get|responses|404"));
    assert_null(at(tree, "paths|/auth/me|get|responses|404"));
}

static void find_references(const struct cJSON *tree, const struct cJSON *item, size_t *count)
{
    for (; item; item = item->next) {
        if (item->string && strcmp(item->string, "$ref") == 0) {
            char path[128];
            assert_true(strncmp(item->valuestring, "#/", 2) == 0);
            snprintf(path, sizeof path, "%s", item->valuestring + 2);
            for (char *slash = path; *slash; slash++)
                if (*slash == '/')
                    *slash = '|';
            if (!at(tree, path))
                fail_msg("%s leads nowhere", item->valuestring);
            (*count)++;
        }
        find_references(tree, item->child, count);
    }
}

static void every_reference_leads_somewhere(void **state)
{
    AUTO(cJSON) tree = make_document(operations, COUNT_OF(operations));
    size_t count = 0;
    (void)state;
    find_references(tree, tree->child, &count);
    assert_true(count > 40);
}

static void a_document_that_does_not_fit_is_a_limit(void **state)
{
    struct buffer out;
    struct err err = { 0 };
    (void)state;
    buffer_init(&out, 1000);
    assert_false(openapi_write_document(&out, &info, operations, COUNT_OF(operations), &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_of_a_field_has_its_type_and_rules),
        cmocka_unit_test(types_of_tomorrow_have_schemas_too),
        cmocka_unit_test(a_request_has_no_read_only_fields_and_lists_what_is_required),
        cmocka_unit_test(nested_messages_are_references),
        cmocka_unit_test(the_document_holds_every_operation),
        cmocka_unit_test(permissions_say_who_may),
        cmocka_unit_test(path_and_query_parameters_come_from_the_request),
        cmocka_unit_test(bodies_refer_to_what_is_among_the_components),
        cmocka_unit_test(a_body_field_that_the_path_gives_is_not_asked_for_again),
        cmocka_unit_test(hand_written_schemas_and_media_types_are_kept),
        cmocka_unit_test(failures_are_problem_details_where_they_can_happen),
        cmocka_unit_test(every_reference_leads_somewhere),
        cmocka_unit_test(a_document_that_does_not_fit_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
