#include "streams/import_rows.h"
#include "base/uuid.h"
#include "nwims/v1/assets.pb-c.h"
#include "nwims/v1/bulk.pb-c.h"
#include "nwims/v1/common.pb-c.h"
#include "rpc_exchange.h"
#include "streams/bulk.h"
#include "write_headers.h"
#include <string.h>

enum { PART_BYTES = 4 * 1024 * 1024, MOST_PARTS = 15 };

#define HOW                                                                                                            \
    " from CSV (RFC 4180, UTF-8; heading required; divided by comma, semicolon or tab; gzip welcome), made or, where " \
    "the code is there, brought up to date; an empty field says nothing, and what is so already counts as unchanged. " \
    "Any bad row and nothing is changed (422, with line and reason of each), unless on_error=skip. Above 1,000 rows, " \
    "or with \"Prefer: respond-async\", it answers 202 and goes on as a job of up to 100,000 rows: see Location. "
#define CSV_SCHEMA "{\"type\":\"string\",\"description\":\"CSV with a heading.\"}"

const struct hand_written import_devices_manual = {
    .operation_id = "ImportDevices",
    .summary = "Devices" HOW "Columns: code, name, protocol, municipality, zone, site (by code; or municipality_id, "
               "zone_id, site_id), state. With tokens=true each device that is made has a token from the start: POST "
               "/batch/{id}/tokens gives them all as CSV, once, to whoever asked for the import.",
    .query = &nwims__v1__bulk_options__descriptor,
    .request_schema = CSV_SCHEMA,
    .may_go_on = true,
    .request_media_types = "text/csv",
    .reply = &nwims__v1__job__descriptor,
};
const struct hand_written import_sensors_manual = {
    .operation_id = "ImportSensors",
    .summary =
        "Sensors" HOW "Columns: code, name, kind, unit, device, municipality, zone, site (by code; or device_id ...), "
        "range_min, range_max, period_s, state, latitude, longitude, elevation_m, and the thresholds low_low, "
        "low, high, high_high, hysteresis, on_delay_s, off_delay_s.",
    .query = &nwims__v1__bulk_options__descriptor,
    .request_schema = CSV_SCHEMA,
    .may_go_on = true,
    .request_media_types = "text/csv",
    .reply = &nwims__v1__job__descriptor,
};

/* How much of the text goes into one part: up to the last line end that stands in no quotes. 0: a row is too long. */
static size_t whole_rows(const char *text, size_t size)
{
    size_t most = size < PART_BYTES ? size : PART_BYTES, end = 0;
    bool is_quoted = false;
    if (size <= PART_BYTES)
        return size;
    for (size_t i = 0; i < most; i++) {
        is_quoted = is_quoted != (text[i] == '"');
        if (text[i] == '\n' && !is_quoted)
            end = i + 1;
    }
    return end;
}

static bool send_part(struct exchange *exchange, char *upload_id, int32_t part, const char *text, size_t size)
{
    Nwims__V1__PutUploadPartRequest request = NWIMS__V1__PUT_UPLOAD_PART_REQUEST__INIT;
    struct rpc_caller caller = exchange->caller;
    ProtobufCMessage *ignored;
    caller.idempotency_key[0] = '\0'; /* which is for the import as a whole */
    request.upload_id = upload_id;
    request.has_part = request.has_data = true;
    request.part = part;
    request.data = (ProtobufCBinaryData){ size, (unsigned char *)(uintptr_t)text };
    return bulk_call(exchange, &caller, "PutPart", &request.base, &ignored);
}

/* All but the last part. False when it answered. */
static bool send_parts(
    struct exchange *exchange, Nwims__V1__ImportRowsRequest *request, char *upload_id, const char *text, size_t size)
{
    while (size > PART_BYTES) {
        size_t some = whole_rows(text, size);
        if (some == 0) {
            exchange_problem(exchange, 422, NULL, "A row is longer than 4 MiB: a quote may be missing its end.");
            return false;
        }
        if (request->parts == MOST_PARTS) {
            exchange_problem(exchange, 413, NULL, "The file is too large: send it in several.");
            return false;
        }
        if (!send_part(exchange, upload_id, request->parts, text, some))
            return false;
        request->parts++;
        text += some;
        size -= some;
    }
    request->data = (ProtobufCBinaryData){ size, (unsigned char *)(uintptr_t)text };
    return true;
}

/* The same file gets the same name, so that a call which comes again with its Idempotency-Key is the same call. */
static void name_upload(char upload_id[UUID_TEXT_SIZE], const unsigned char digest[SHA256_SIZE])
{
    struct uuid uuid;
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    uuid_format(upload_id, &uuid);
}

void import_rows(struct exchange *exchange, const char *what, Nwims__V1__BulkOptions *options)
{
    Nwims__V1__ImportRowsRequest request = NWIMS__V1__IMPORT_ROWS_REQUEST__INIT;
    unsigned char digest[SHA256_SIZE];
    char upload_id[UUID_TEXT_SIZE];
    ProtobufCMessage *reply;
    const char *body;
    size_t size;
    if (!write_headers_take(exchange) || !exchange_body(exchange, &body, &size))
        return;
    auth_sha256(digest, body, size);
    name_upload(upload_id, digest);
    request.what = (char *)(uintptr_t)what;
    request.options = options;
    request.has_parts = request.has_data = request.has_sha256 = true;
    request.sha256 = (ProtobufCBinaryData){ sizeof digest, digest };
    if (!send_parts(exchange, &request, upload_id, body, size))
        return;
    request.upload_id = request.parts > 0 ? upload_id : NULL;
    if (bulk_call(exchange, &exchange->caller, "ImportRows", &request.base, &reply))
        bulk_answer(exchange, (const Nwims__V1__Job *)reply);
}

static void import(struct exchange *exchange, const char *what)
{
    Nwims__V1__BulkOptions options = NWIMS__V1__BULK_OPTIONS__INIT;
    if (!exchange_content_is(exchange, "text/csv"))
        exchange_problem(exchange, 415, NULL, "Send text/csv, with a heading.");
    else if (bulk_options(exchange, &options))
        import_rows(exchange, what, &options);
}

void import_devices(struct exchange *exchange)
{
    import(exchange, "devices");
}

void import_sensors(struct exchange *exchange)
{
    import(exchange, "sensors");
}
