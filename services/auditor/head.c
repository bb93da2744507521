#include "head.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/time_text.h"

static void put_time(struct json_writer *writer, const char *key, int64_t us)
{
    char text[TIME_TEXT_SIZE];
    time_text_format(text, us);
    json_put_text(writer, key, text);
}

static void put_hash(struct json_writer *writer, const char *key, const unsigned char hash[SHA256_SIZE])
{
    char text[2 * SHA256_SIZE + 1];
    text_hex(text, hash, SHA256_SIZE);
    json_put_text(writer, key, text);
}

static void write_header(struct buffer *out, const char *key_id)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_put_text(&writer, "alg", "ES256");
    json_put_text(&writer, "kid", key_id);
    json_put_text(&writer, "typ", "nwims-audit-head");
    json_end_object(&writer);
}

static void write_payload(struct buffer *out, const struct chain_head *head)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_put_int(&writer, "tenant_id", head->tenant_id);
    put_time(&writer, "ends_at", head->ends_at);
    json_put_int(&writer, "sequence", head->sequence);
    put_hash(&writer, "hash", head->hash);
    put_hash(&writer, "previous", head->previous);
    put_time(&writer, "signed_at", head->signed_at);
    json_end_object(&writer);
}

bool head_write_input(struct buffer *out, const struct chain_head *head, const char *key_id)
{
    AUTO_INPLACE(buffer) header = { .ceiling_bytes = 1024 };
    AUTO_INPLACE(buffer) payload = { .ceiling_bytes = 1024 };
    write_header(&header, key_id);
    write_payload(&payload, head);
    if (!buffer_ok(&header) || !buffer_ok(&payload) || !auth_base64url_encode(out, header.data, header.size))
        return false;
    buffer_put_char(out, '.');
    return auth_base64url_encode(out, payload.data, payload.size);
}

int64_t head_period_end(int64_t at, int64_t period_us)
{
    return at - at % period_us + period_us;
}
