#include "streams/system_version.h"
#include "base/json_writer.h"
#include "exchange.h"

const struct hand_written get_system_version_manual = {
    .operation_id = "GetSystemVersion",
    .summary = "Which version runs.",
    .reply_schema =
        "{\"type\":\"object\",\"required\":[\"version\"],\"properties\":{\"version\":{\"type\":\"string\"}}}",
};

void get_system_version(struct exchange *exchange)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    json_put_text(&writer, "version", NWIMS_VERSION);
    json_end_object(&writer);
    exchange_json(exchange, 200, &json);
}
