#include "ingest/body_codec.h"
#include <string.h>
#include <strings.h>

/* Only relative times need to know when the body came. */
#define WITHOUT_TIME(name)                                                                                             \
    static bool name##_at(struct raw_readings *out_readings, struct arena *arena, const char *body, size_t size,       \
        int64_t received_at_us, struct err *err)                                                                       \
    {                                                                                                                  \
        (void)received_at_us;                                                                                          \
        return name(out_readings, arena, body, size, err);                                                             \
    }
WITHOUT_TIME(codec_json_decode)
WITHOUT_TIME(codec_ndjson_decode)
WITHOUT_TIME(codec_csv_decode)
WITHOUT_TIME(codec_protobuf_decode)
WITHOUT_TIME(codec_compact_cbor_decode)

static const struct body_codec codecs[] = {
    { "application/json", "malformed-json", codec_json_decode_at },
    { "application/senml+json", "malformed-senml", codec_senml_json_decode },
    { "application/senml+cbor", "malformed-senml", codec_senml_cbor_decode },
    { "application/cbor", "malformed-cbor", codec_compact_cbor_decode_at },
    { "application/x-ndjson", "malformed-json", codec_ndjson_decode_at },
    { "application/jsonl", "malformed-json", codec_ndjson_decode_at },
    { "text/csv", "malformed-csv", codec_csv_decode_at },
    { "application/x-protobuf", "malformed-protobuf", codec_protobuf_decode_at },
    { "application/protobuf", "malformed-protobuf", codec_protobuf_decode_at },
};

const struct body_codec *body_codec_find(const char *content_type)
{
    const char *type = content_type ? content_type : codecs[0].media_type;
    size_t length = strcspn(type, "; \t");
    for (size_t i = 0; i < COUNT_OF(codecs); i++)
        if (strlen(codecs[i].media_type) == length && strncasecmp(type, codecs[i].media_type, length) == 0)
            return &codecs[i];
    return NULL;
}
