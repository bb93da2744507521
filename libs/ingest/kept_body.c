#include "ingest/kept_body.h"
#include <string.h>

#define PRECISION KEPT_BODY_LINES "; precision="

/* What stands behind the beginning; NULL if the text does not begin so. */
static const char *behind(const char *text, const char *beginning)
{
    size_t length = strlen(beginning);
    return text && strncmp(text, beginning, length) == 0 ? text + length : NULL;
}

static bool is(const char *text, const char *type)
{
    return text && strcmp(text, type) == 0;
}

bool kept_body_is_readable(const char *content_type)
{
    return content_type &&
           (device_body_type(content_type) || behind(content_type, PRECISION) ||
               is(content_type, KEPT_BODY_THINGSBOARD) || is(content_type, KEPT_BODY_THINGSBOARD_GATEWAY) ||
               behind(content_type, KEPT_BODY_VALUE));
}

bool kept_body_decode(struct raw_readings *out_readings, struct arena *arena, struct directory *directory,
    const struct device_body *body, struct err *err)
{
    const char *type = body->content_type, *precision = behind(type, PRECISION),
               *sensor = behind(type, KEPT_BODY_VALUE);
    struct device_body own = *body;
    int64_t unit_ns;
    if (precision && codec_influx_unit(precision, &unit_ns))
        return codec_influx_decode(out_readings, arena, body->bytes, body->size, unit_ns, err);
    if (sensor)
        return codec_bare_decode(out_readings, arena, sensor, strlen(sensor), body->bytes, body->size, err);
    if (is(type, KEPT_BODY_THINGSBOARD))
        return codec_thingsboard_json_decode(out_readings, arena, body->bytes, body->size, err);
    if (is(type, KEPT_BODY_THINGSBOARD_GATEWAY))
        return codec_thingsboard_gateway_decode(out_readings, arena, body->bytes, body->size, err);
    if (!type || !(own.content_type = device_body_type(type)))
        return err_set(err, ERR_INPUT, "a body of this kind cannot be read again");
    return device_body_decode(out_readings, arena, directory, &own, err);
}
