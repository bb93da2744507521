#include "ingest/device_body.h"
#include <string.h>
#include <strings.h>

static const char json[] = "application/json", binary[] = DEVICE_BODY_PROFILED, cayenne[] = "application/x-cayenne-lpp";

static bool is_type(const char *text, size_t length, const char *type)
{
    return strlen(type) == length && strncasecmp(text, type, length) == 0;
}

const char *device_body_type(const char *content_type)
{
    const struct body_codec *codec = body_codec_find(content_type);
    if (codec)
        return codec->media_type;
    if (!content_type)
        return NULL;
    size_t length = strcspn(content_type, "; \t");
    return is_type(content_type, length, binary) ? binary : is_type(content_type, length, cayenne) ? cayenne : NULL;
}

static bool decode_by_profile(struct raw_readings *out_readings, struct arena *arena, struct directory *directory,
    const struct device_body *body, struct err *err)
{
    struct payload_profile profile;
    const char *text;
    if (body->from_memory && !directory_profile_known(directory, body->device, &text, arena))
        return err_set(err, ERR_NOT_FOUND, "the device's payload_profile is not in memory");
    if (!body->from_memory && !directory_profile(directory, body->device, &text, arena, err))
        return false;
    if (!text)
        return err_set(err, ERR_INPUT, "the device has no payload_profile that says how its bytes are to be read");
    if (!payload_profile_parse(&profile, arena, text, strlen(text), err))
        return err_wrap(err, "the device's payload_profile");
    return codec_binary_decode(
        out_readings, arena, &profile, body->device->device_code, body->bytes, body->size, body->received_at, err);
}

bool device_body_decode(struct raw_readings *out_readings, struct arena *arena, struct directory *directory,
    const struct device_body *body, struct err *err)
{
    if (strcmp(body->content_type, json) == 0) /* which has the compact form beside the API's */
        return codec_device_json_decode(out_readings, arena, body->bytes, body->size, err);
    if (strcmp(body->content_type, binary) == 0)
        return decode_by_profile(out_readings, arena, directory, body, err);
    if (strcmp(body->content_type, cayenne) == 0)
        return codec_cayenne_decode(out_readings, arena, body->device->device_code, body->bytes, body->size, err);
    const struct body_codec *codec = body_codec_find(body->content_type);
    if (!codec)
        return err_set(err, ERR_BUG, "no codec for %s", body->content_type);
    return codec->decode(out_readings, arena, body->bytes, body->size, body->received_at, err);
}
