#include "transcode/openapi_document.h"
#include "base/text.h"
#include "transcode/manual.h"
#include "transcode/openapi_schema.h"
#include <stdio.h>
#include <string.h>

enum { MOST_SCHEMAS = 1024 };

struct document {
    struct json_writer writer;
    const struct openapi_operation *operations;
    size_t operation_count;
    struct {
        const ProtobufCMessageDescriptor *type;
        enum openapi_use use;
    } schemas[MOST_SCHEMAS];
    size_t schema_count;
    bool is_full;
};

/* ---- components ------------------------------------------------------------------------------------------------ */

static void reach(struct document *document, const ProtobufCMessageDescriptor *type, enum openapi_use use)
{
    for (size_t i = 0; i < document->schema_count; i++)
        if (document->schemas[i].type == type && document->schemas[i].use == use)
            return;
    if (document->schema_count == MOST_SCHEMAS) {
        document->is_full = true;
        return;
    }
    document->schemas[document->schema_count].type = type;
    document->schemas[document->schema_count++].use = use;
}

/* What the messages already listed refer to is appended behind them, so the loop meets it too. */
static void reach_nested(struct document *document)
{
    for (size_t i = 0; i < document->schema_count; i++) {
        const ProtobufCMessageDescriptor *type = document->schemas[i].type;
        const struct message_manual *message = message_manual_find(type->name);
        enum openapi_use use = document->schemas[i].use;
        for (unsigned k = 0; k < type->n_fields; k++) {
            const struct field_manual *manual = field_manual_find(message, type->fields[k].name);
            bool is_shown = !(manual && manual->internal) && (use == OPENAPI_REPLY || !manual || !manual->readonly);
            if (type->fields[k].type == PROTOBUF_C_TYPE_MESSAGE && is_shown)
                reach(document, type->fields[k].descriptor, use);
        }
    }
}

static const char problem_schema[] =
    "{\"type\":\"object\",\"description\":\"What went wrong (RFC 9457).\",\"properties\":{"
    "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\",\"description\":\"Names the kind of problem; stable, "
    "for programs.\"},"
    "\"title\":{\"type\":\"string\",\"description\":\"The kind of problem, for people.\"},"
    "\"status\":{\"type\":\"integer\",\"minimum\":400,\"maximum\":599},"
    "\"detail\":{\"type\":\"string\",\"description\":\"What happened this time, and what to do about it.\"},"
    "\"instance\":{\"type\":\"string\",\"description\":\"The path that was asked for.\"},"
    "\"request_id\":{\"type\":\"string\",\"description\":\"Name it when you ask us about this problem.\"},"
    "\"errors\":{\"type\":\"array\",\"description\":\"Every field that is "
    "wrong.\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"field\":{\"type\":\"string\",\"examples\":[\"items[3].code\"]},"
    "\"code\":{\"type\":\"string\",\"description\":\"Stable word for programs.\"},"
    "\"reason\":{\"type\":\"string\"},"
    "\"index\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"Which item of a "
    "batch.\"}},\"required\":[\"reason\"]}}},"
    "\"required\":[\"type\",\"title\",\"status\"]}";

enum when { WHEN_ALWAYS, WHEN_CREDENTIALS, WHEN_AUTHENTICATED, WHEN_WRITING, WHEN_BODY, WHEN_REQUEST, WHEN_UPGRADE };
static const struct {
    const char *status;
    const char *name;
    const char *description;
    enum when when;
    bool has_retry_after;
} problems[] = {
    { "400", "Malformed", "The request cannot be read.", WHEN_ALWAYS, false },
    { "401", "Unauthenticated", "No token, or one that has ended.", WHEN_CREDENTIALS, false },
    { "403", "Denied", "The caller may not do this.", WHEN_AUTHENTICATED, false },
    { "404", "NotFound", "There is no such thing.", WHEN_REQUEST, false },
    { "406", "NotAcceptable", "The answer cannot be of a type that Accept names.", WHEN_ALWAYS, false },
    { "408", "TooSlow", "The body came too slowly.", WHEN_BODY, false },
    { "409", "Conflict", "It is there already, or has changed meanwhile.", WHEN_WRITING, false },
    { "412", "PreconditionFailed", "It is not as If-Match says any more.", WHEN_WRITING, false },
    { "413", "TooLarge", "The body is larger than allowed.", WHEN_BODY, false },
    { "415", "UnsupportedMediaType", "The body is of a type that is not taken here.", WHEN_BODY, false },
    { "422", "Invalid", "Fields or query parameters are wrong; errors names each.", WHEN_ALWAYS, false },
    { "426", "UpgradeRequired", "This path speaks WebSocket only.", WHEN_UPGRADE, false },
    { "429", "TooManyRequests", "Slow down; Retry-After says for how long.", WHEN_ALWAYS, true },
    { "500", "Internal", "Our fault; name the request_id when you report it.", WHEN_ALWAYS, false },
    { "503", "Unavailable", "Something needed is away; try again after Retry-After.", WHEN_ALWAYS, true },
    { "504", "Timeout", "The answer did not come in time; what was asked may have been done.", WHEN_ALWAYS, false },
};

static void put_json(struct json_writer *writer, const char *key, const char *json)
{
    json_key(writer, key);
    json_raw(writer, json, strlen(json));
}

static void put_problem_responses(struct json_writer *writer)
{
    json_key(writer, "responses");
    json_begin_object(writer);
    for (size_t i = 0; i < COUNT_OF(problems); i++) {
        json_key(writer, problems[i].name);
        json_begin_object(writer);
        json_put_text(writer, "description", problems[i].description);
        if (problems[i].has_retry_after)
            put_json(writer, "headers",
                "{\"Retry-After\":{\"description\":\"Seconds to "
                "wait.\",\"schema\":{\"type\":\"integer\",\"minimum\":0}}}");
        put_json(writer, "content",
            "{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}");
        json_end_object(writer);
    }
    json_end_object(writer);
}

static void put_components(struct document *document)
{
    struct json_writer *writer = &document->writer;
    char name[128];
    reach_nested(document);
    json_key(writer, "components");
    json_begin_object(writer);
    put_json(writer, "securitySchemes",
        "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\","
        "\"description\":\"The access_token of a login.\"}}");
    put_problem_responses(writer);
    json_key(writer, "schemas");
    json_begin_object(writer);
    put_json(writer, "Problem", problem_schema);
    for (size_t i = 0; i < document->schema_count; i++) {
        snprintf(name, sizeof name, "%s%s", document->schemas[i].type->short_name,
            openapi_use_suffix(document->schemas[i].use));
        json_key(writer, name);
        openapi_put_message(writer, document->schemas[i].type, document->schemas[i].use, NULL);
    }
    json_end_object(writer);
    json_end_object(writer);
}

/* ---- one operation ------------------------------------------------------------------------------------------------
 */

static bool is_writing(const struct openapi_operation *operation)
{
    return strcmp(operation->method, "GET") != 0 && strcmp(operation->method, "HEAD") != 0;
}

static bool takes_body(const struct openapi_operation *operation)
{
    bool is_body_method = text_equal(operation->method, "POST") || text_equal(operation->method, "PUT") ||
                          text_equal(operation->method, "PATCH");
    return is_body_method &&
           (operation->request_schema || operation->body || (operation->request && operation->request->n_fields > 0));
}

static void put_parameter(
    struct json_writer *writer, const struct openapi_operation *operation, const char *name, bool is_path)
{
    const ProtobufCMessageDescriptor *type = operation->request;
    const ProtobufCFieldDescriptor *field = type ? protobuf_c_message_descriptor_get_field_by_name(type, name) : NULL;
    const struct field_manual *manual = field ? field_manual_find(message_manual_find(type->name), name) : NULL;
    json_begin_object(writer);
    json_put_text(writer, "name", name);
    json_put_text(writer, "in", is_path ? "path" : "query");
    if (is_path || (manual && manual->required)) {
        json_key(writer, "required");
        json_bool(writer, true);
    }
    if (manual && manual->comment[0])
        json_put_text(writer, "description", manual->comment);
    else if (is_path)
        json_put_text(writer, "description", "Which one.");
    json_key(writer, "schema");
    if (field)
        openapi_put_parameter_schema(writer, field, manual);
    else
        json_raw(writer, "{\"type\":\"string\"}", 17);
    json_end_object(writer);
}

static void put_path_parameters(struct json_writer *writer, const struct openapi_operation *operation)
{
    char name[64];
    for (const char *at = strchr(operation->path, '{'); at; at = strchr(at + 1, '{'))
        if (text_copy(name, sizeof name, at + 1, strcspn(at + 1, "}")))
            put_parameter(writer, operation, name, true);
}

static void put_query_parameters(struct json_writer *writer, const struct openapi_operation *operation)
{
    const ProtobufCMessageDescriptor *type = operation->request;
    if (!type || (takes_body(operation) && !operation->request_schema && !operation->body))
        return;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const struct field_manual *manual = field_manual_find(message_manual_find(type->name), type->fields[i].name);
        bool is_query = type->fields[i].type != PROTOBUF_C_TYPE_MESSAGE &&
                        !(manual && (manual->readonly || manual->internal)) &&
                        !openapi_path_has(operation->path, type->fields[i].name);
        if (is_query)
            put_parameter(writer, operation, type->fields[i].name, false);
    }
}

/* The schema goes with each JSON media type; of others (CSV, event streams) it would not be true. */
static void put_content(struct json_writer *writer, const char *media_types, const char *schema, size_t schema_length)
{
    static const char any_text[] = "{\"type\":\"string\"}";
    json_key(writer, "content");
    json_begin_object(writer);
    for (const char *at = media_types ? media_types : "application/json"; *at;) {
        size_t length = strcspn(at, "|");
        char media_type[80];
        if (text_copy(media_type, sizeof media_type, at, length)) {
            bool is_json = strstr(media_type, "json") && !strstr(media_type, "ndjson") && !strstr(media_type, "senml");
            json_key(writer, media_type);
            json_begin_object(writer);
            json_key(writer, "schema");
            json_raw(writer, is_json ? schema : any_text, is_json ? schema_length : sizeof any_text - 1);
            json_end_object(writer);
        }
        at += length + (at[length] == '|');
    }
    json_end_object(writer);
}

static bool path_takes_a_body_field(const struct openapi_operation *operation)
{
    const ProtobufCMessageDescriptor *type = operation->request;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const struct field_manual *manual = field_manual_find(message_manual_find(type->name), type->fields[i].name);
        if (openapi_path_has(operation->path, type->fields[i].name) && !(manual && manual->readonly))
            return true;
    }
    return false;
}

/* A reference, or the schema itself where the path takes one of its fields. */
static void put_request_schema(struct document *document, struct buffer *out, const struct openapi_operation *operation)
{
    enum openapi_use use = text_equal(operation->method, "PATCH") ? OPENAPI_PATCH : OPENAPI_REQUEST;
    struct json_writer writer;
    json_writer_init(&writer, out);
    if (operation->request_schema) {
        buffer_put_text(out, operation->request_schema);
        return;
    }
    if (operation->body) {
        reach(document, operation->body, use);
        json_begin_object(&writer);
        openapi_put_reference(&writer, operation->body, use);
        json_end_object(&writer);
        return;
    }
    if (path_takes_a_body_field(operation)) {
        openapi_put_message(&writer, operation->request, use, operation->path);
        for (unsigned i = 0; i < operation->request->n_fields; i++)
            if (operation->request->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
                reach(document, operation->request->fields[i].descriptor, use);
        return;
    }
    reach(document, operation->request, use);
    json_begin_object(&writer);
    openapi_put_reference(&writer, operation->request, use);
    json_end_object(&writer);
}

static void put_request_body(struct document *document, const struct openapi_operation *operation)
{
    struct json_writer *writer = &document->writer;
    AUTO_INPLACE(buffer) schema = { 0 };
    if (!takes_body(operation))
        return;
    put_request_schema(document, &schema, operation);
    if (!buffer_ok(&schema)) {
        document->is_full = true;
        return;
    }
    json_key(writer, "requestBody");
    json_begin_object(writer);
    json_key(writer, "required");
    json_bool(writer, true);
    put_content(writer, operation->request_media_types, schema.data, schema.size);
    json_end_object(writer);
}

static bool is_due(const struct openapi_operation *operation, enum when when)
{
    switch (when) {
    case WHEN_ALWAYS:
        break;
    case WHEN_AUTHENTICATED:
        return operation->permission != NULL;
    case WHEN_CREDENTIALS: /* what is open to all may be a login */
        return operation->permission != NULL || is_writing(operation);
    case WHEN_WRITING:
        return is_writing(operation);
    case WHEN_BODY:
        return takes_body(operation);
    case WHEN_UPGRADE:
        return operation->success_status == 101;
    case WHEN_REQUEST:
        return takes_body(operation) || strchr(operation->path, '{') ||
               (operation->request && operation->request->n_fields > 0);
    }
    return true;
}

static void put_success(struct document *document, const struct openapi_operation *operation, int success)
{
    struct json_writer *writer = &document->writer;
    char status[12], reference[160];
    snprintf(status, sizeof status, "%d", success);
    json_key(writer, status);
    json_begin_object(writer);
    json_put_text(writer, "description",
        success == 101   ? "The connection is a WebSocket now."
        : success == 201 ? "Made."
        : success == 202 ? "Accepted; the work goes on."
        : success == 204 ? "Done."
                         : "The answer.");
    const char *schema = operation->reply_schema;
    if (!schema && operation->reply) {
        snprintf(reference, sizeof reference, "{\"$ref\":\"#/components/schemas/%s\"}", operation->reply->short_name);
        schema = reference;
    }
    if (success != 204 && success != 101 && (schema || operation->reply_media_types)) {
        if (schema == reference)
            reach(document, operation->reply, OPENAPI_REPLY);
        schema = schema ? schema : "{}";
        put_content(writer, operation->reply_media_types, schema, strlen(schema));
    }
    json_end_object(writer);
}

static void put_responses(struct document *document, const struct openapi_operation *operation)
{
    struct json_writer *writer = &document->writer;
    json_key(writer, "responses");
    json_begin_object(writer);
    put_success(document, operation, operation->success_status);
    if (operation->may_go_on)
        put_success(document, operation, 202);
    if (!is_writing(operation))
        put_json(writer, "304", "{\"description\":\"Not changed since the ETag that If-None-Match names.\"}");
    for (size_t i = 0; i < COUNT_OF(problems); i++) {
        if (!is_due(operation, problems[i].when))
            continue;
        char reference[96];
        snprintf(reference, sizeof reference, "#/components/responses/%s", problems[i].name);
        json_key(writer, problems[i].status);
        json_begin_object(writer);
        json_put_text(writer, "$ref", reference);
        json_end_object(writer);
    }
    json_end_object(writer);
}

static void put_operation_id(struct document *document, const struct openapi_operation *operation)
{
    char id[128];
    size_t before = 0;
    for (const struct openapi_operation *at = document->operations; at < operation; at++)
        before += text_equal(at->id, operation->id);
    if (before > 0)
        snprintf(id, sizeof id, "%s_%zu", operation->id, before + 1);
    json_put_text(&document->writer, "operationId", before > 0 ? id : operation->id);
}

static void put_permission(struct json_writer *writer, const char *permission)
{
    char text[160];
    if (!permission) {
        put_json(writer, "security", "[]");
        return;
    }
    if (!permission[0])
        return;
    snprintf(text, sizeof text, "Needs the permission `%s`.", permission);
    json_put_text(writer, "description", text);
    json_put_text(writer, "x-permission", permission);
}

static void put_operation(struct document *document, const struct openapi_operation *operation)
{
    struct json_writer *writer = &document->writer;
    char method[12] = "";
    for (size_t i = 0; operation->method[i] && i + 1 < sizeof method; i++)
        method[i] = (char)(operation->method[i] | 0x20);
    json_key(writer, method);
    json_begin_object(writer);
    put_operation_id(document, operation);
    json_put_text(writer, "summary", operation->summary && operation->summary[0] ? operation->summary : operation->id);
    json_key(writer, "tags");
    json_begin_array(writer);
    json_text(writer, operation->tag);
    json_end_array(writer);
    put_permission(writer, operation->permission);
    json_key(writer, "parameters");
    json_begin_array(writer);
    put_path_parameters(writer, operation);
    put_query_parameters(writer, operation);
    json_end_array(writer);
    put_request_body(document, operation);
    put_responses(document, operation);
    json_end_object(writer);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------
 */

static void put_info(struct json_writer *writer, const struct openapi_info *info)
{
    json_put_text(writer, "openapi", "3.1.0");
    json_key(writer, "info");
    json_begin_object(writer);
    json_put_text(writer, "title", info->title);
    json_put_text(writer, "version", info->version);
    if (info->description)
        json_put_text(writer, "description", info->description);
    if (info->license) {
        json_key(writer, "license");
        json_begin_object(writer);
        json_put_text(writer, "name", info->license);
        json_put_text(writer, "identifier", info->license);
        json_end_object(writer);
    }
    json_end_object(writer);
    json_key(writer, "servers");
    json_begin_array(writer);
    json_begin_object(writer);
    json_put_text(writer, "url", info->server_url);
    json_end_object(writer);
    json_end_array(writer);
    put_json(writer, "security", "[{\"bearer\":[]}]");
}

static void put_tags(struct document *document)
{
    json_key(&document->writer, "tags");
    json_begin_array(&document->writer);
    for (size_t i = 0; i < document->operation_count; i++) {
        size_t first = 0;
        while (!text_equal(document->operations[first].tag, document->operations[i].tag))
            first++;
        if (first < i)
            continue;
        json_begin_object(&document->writer);
        json_put_text(&document->writer, "name", document->operations[i].tag);
        if (document->operations[i].tag_summary)
            json_put_text(&document->writer, "description", document->operations[i].tag_summary);
        json_end_object(&document->writer);
    }
    json_end_array(&document->writer);
}

/* The operations of one path belong together, wherever they stand in the table. */
static void put_paths(struct document *document)
{
    const struct openapi_operation *operations = document->operations;
    json_key(&document->writer, "paths");
    json_begin_object(&document->writer);
    for (size_t i = 0; i < document->operation_count; i++) {
        size_t first = 0;
        while (!text_equal(operations[first].path, operations[i].path))
            first++;
        if (first < i)
            continue;
        json_key(&document->writer, operations[i].path);
        json_begin_object(&document->writer);
        for (size_t k = i; k < document->operation_count; k++)
            if (text_equal(operations[k].path, operations[i].path))
                put_operation(document, &operations[k]);
        json_end_object(&document->writer);
    }
    json_end_object(&document->writer);
}

bool openapi_write_document(struct buffer *out, const struct openapi_info *info,
    const struct openapi_operation *operations, size_t count, struct err *err)
{
    struct document document = { .operations = operations, .operation_count = count };
    json_writer_init(&document.writer, out);
    json_begin_object(&document.writer);
    put_info(&document.writer, info);
    put_tags(&document);
    put_paths(&document);
    put_components(&document);
    json_end_object(&document.writer);
    if (document.is_full || !buffer_ok(out))
        return err_set(err, ERR_LIMIT, "the OpenAPI document does not fit");
    return true;
}
