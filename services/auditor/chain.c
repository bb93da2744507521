#include "chain.h"
#include <string.h>

static void put_u32(struct buffer *out, uint32_t value)
{
    value = __builtin_bswap32(value);
    buffer_put(out, &value, sizeof value);
}

static void put_u64(struct buffer *out, uint64_t value)
{
    value = __builtin_bswap64(value);
    buffer_put(out, &value, sizeof value);
}

static void put_text(struct buffer *out, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    put_u32(out, text ? (uint32_t)length : UINT32_MAX);
    if (length > 0)
        buffer_put(out, text, length);
}

bool chain_hash(unsigned char hash[SHA256_SIZE], const struct record *record, struct buffer *scratch)
{
    buffer_reset(scratch);
    buffer_put(scratch, record->previous, SHA256_SIZE);
    buffer_put_text(scratch, "NWIMS audit 1");
    put_u32(scratch, (uint32_t)record->tenant_id);
    put_u64(scratch, (uint64_t)record->sequence);
    put_u64(scratch, (uint64_t)record->recorded_at);
    put_u64(scratch, (uint64_t)record->happened_at);
    buffer_put(scratch, record->id.bytes, sizeof record->id.bytes);
    for (size_t i = 0; i < RECORD_TEXTS; i++)
        put_text(scratch, record->texts[i]);
    if (!buffer_ok(scratch))
        return false;
    auth_sha256(hash, scratch->data, scratch->size);
    return true;
}
