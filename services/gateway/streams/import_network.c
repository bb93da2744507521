#include "streams/import_network.h"
#include "base/uuid.h"
#include "nwims/v1/assets.pb-c.h"
#include "nwims/v1/common.pb-c.h"
#include "rpc_exchange.h"
#include "streams/bulk.h"
#include "streams/import_rows.h"
#include "write_headers.h"
#include <string.h>

enum { PART_BYTES = 4 * 1024 * 1024, IMPORT_MS = 120000 };

#define ASSETS &nwims__v1__assets__descriptor

const struct hand_written import_network_manual = {
    .operation_id = "ImportNetwork",
    .summary =
        "Imports the pipe network of an EPANET input file (.inp), gzip welcome: all of it or, with the number of "
        "the line that is wrong, nothing. A network of the same code is brought up to date: what is no longer in "
        "the file is retired. Or, as text/csv, assets one a row, as devices are imported, and answered alike; columns: "
        "code, name, kind, state, municipality, zone, site, parent (by code; or municipality_id ...), latitude, "
        "longitude, elevation_m, diameter_mm, length_m, roughness, material.",
    .may_go_on = true,
    .query = &nwims__v1__import_options__descriptor,
    .request_schema = "{\"type\":\"string\",\"description\":\"An EPANET input file.\"}",
    .request_media_types = "text/plain|application/octet-stream|text/csv",
    .reply = &nwims__v1__import_reply__descriptor,
};

struct reading {
    struct exchange *exchange;
    Nwims__V1__ImportOptions *options;
    struct transcode_violations violations;
};

static bool take_parameter(void *context, const char *name, const char *value)
{
    struct reading *reading = context;
    struct arena *arena = reading->exchange->arena;
    struct err err = { 0 };
    if (!transcode_set_field(&reading->options->base, arena, name, value, &reading->violations, &err) &&
        err.kind == ERR_NOT_FOUND && reading->violations.count < COUNT_OF(reading->violations.items)) {
        char *field = arena_text(arena, name);
        size_t at = reading->violations.count++;
        reading->violations.items[at].field = field ? field : "query";
        reading->violations.items[at].reason = "there is no such query parameter here";
    }
    return true;
}

/* False when it answered. */
static bool read_options(struct exchange *exchange, Nwims__V1__ImportOptions *options)
{
    struct reading reading = { .exchange = exchange, .options = options };
    struct err err = { 0 };
    if (!exchange_content_is(exchange, "text/csv") && !exchange_content_is(exchange, "text/plain") &&
        !exchange_content_is(exchange, "application/octet-stream")) {
        exchange_problem(
            exchange, 415, NULL, "Send an .inp file as text/plain or application/octet-stream, rows as text/csv.");
        return false;
    }
    bool ok = http_request_query_each(exchange->request, take_parameter, &reading) ||
              err_set(&err, ERR_INPUT, "the query is malformed");
    ok = ok && reading.violations.count == 0 &&
         transcode_check(&options->base, true, &reading.violations, exchange->arena, &err);
    if (!ok)
        rpc_exchange_violations(exchange, &reading.violations, &err);
    return ok;
}

static bool call(struct exchange *exchange, const struct rpc_caller *caller, const char *method,
    const ProtobufCMessage *request, ProtobufCMessage **out_reply)
{
    struct Nwims__V1__Failure *failure = NULL;
    struct err err = { 0 };
    if (rpc_call(
            exchange->app->bus, ASSETS, method, caller, request, IMPORT_MS, exchange->arena, out_reply, &failure, &err))
        return true;
    rpc_exchange_failure(exchange, failure, &err);
    return false;
}

/* All but the last part; the key is for the import as a whole. */
static bool send_parts(struct exchange *exchange, const char *body, int32_t parts, char *upload_id)
{
    struct rpc_caller caller = exchange->caller;
    caller.idempotency_key[0] = '\0';
    for (int32_t part = 0; part < parts; part++) {
        Nwims__V1__PutUploadPartRequest request = NWIMS__V1__PUT_UPLOAD_PART_REQUEST__INIT;
        ProtobufCMessage *ignored;
        request.upload_id = upload_id;
        request.has_part = request.has_data = true;
        request.part = part;
        request.data.len = PART_BYTES;
        request.data.data = (unsigned char *)(uintptr_t)(body + (size_t)part * PART_BYTES);
        if (!call(exchange, &caller, "PutUploadPart", &request.base, &ignored))
            return false;
    }
    return true;
}

/* The same file gets the same name, so that a call which comes again with its Idempotency-Key is the same call. */
static void name_upload(char upload_id[UUID_TEXT_SIZE], const unsigned char digest[SHA256_SIZE])
{
    struct uuid uuid;
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    uuid_format(upload_id, &uuid);
}

static void answer(struct exchange *exchange, const ProtobufCMessage *reply)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct err err = { 0 };
    if (transcode_to_json(&json, reply, &err))
        exchange_json(exchange, 200, &json);
    else
        exchange_fail(exchange, &err);
}

static void import_csv(struct exchange *exchange, const Nwims__V1__ImportOptions *options)
{
    Nwims__V1__BulkOptions rows = NWIMS__V1__BULK_OPTIONS__INIT;
    rows.has_dry_run = rows.has_respond_async = true;
    rows.dry_run = options->dry_run;
    rows.on_error = options->on_error;
    rows.respond_async = bulk_prefers_async(exchange);
    import_rows(exchange, "assets", &rows);
}

void import_network(struct exchange *exchange)
{
    Nwims__V1__ImportOptions options = NWIMS__V1__IMPORT_OPTIONS__INIT;
    Nwims__V1__ImportNetworkRequest request = NWIMS__V1__IMPORT_NETWORK_REQUEST__INIT;
    ProtobufCMessage *reply;
    unsigned char digest[SHA256_SIZE];
    char upload_id[UUID_TEXT_SIZE];
    const char *body;
    size_t size;
    if (!read_options(exchange, &options))
        return;
    if (exchange_content_is(exchange, "text/csv")) {
        import_csv(exchange, &options);
        return;
    }
    if (!write_headers_take(exchange) || !exchange_body(exchange, &body, &size))
        return;
    int32_t parts = size > 0 ? (int32_t)((size - 1) / PART_BYTES) : 0;
    auth_sha256(digest, body, size);
    name_upload(upload_id, digest);
    if (!send_parts(exchange, body, parts, upload_id))
        return;
    request.options = &options;
    request.upload_id = parts > 0 ? upload_id : NULL;
    request.has_parts = request.has_data = request.has_sha256 = true;
    request.parts = parts;
    request.sha256 = (ProtobufCBinaryData){ sizeof digest, digest };
    request.data.len = size - (size_t)parts * PART_BYTES;
    request.data.data = (unsigned char *)(uintptr_t)(body + (size_t)parts * PART_BYTES);
    if (call(exchange, &exchange->caller, "ImportNetwork", &request.base, &reply))
        answer(exchange, reply);
}
