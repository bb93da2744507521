/* Bodies that a device that is known sends: those of body_codec.h, and what can only be read when it is known whose
 * they are. */
#pragma once
#include "ingest/body_codec.h"
#include "ingest/directory.h"

struct device_body {
    const struct directory_device *device;
    const char *content_type; /* from device_body_type */
    const char *bytes;
    size_t size;
    int64_t received_at;
    bool from_memory; /* nobody is asked: what the directory's memory lacks is ERR_NOT_FOUND; for loops */
};
#define DEVICE_BODY_PROFILED "application/octet-stream"
#define DEVICE_BODY_TYPES                                                                                              \
    BODY_CODEC_TYPES "; application/octet-stream by the device's payload profile; application/x-cayenne-lpp"
/* The media type as the table has it, parameters aside; NULL counts as application/json; NULL if there is none such. */
const char *device_body_type(const char *content_type);
/* application/json may be the compact form too. ERR_INPUT, ERR_LIMIT as the codecs; ERR_INPUT when the device has no
 * profile; ERR_TRANSIENT, ERR_DEADLINE when the registry, asked for it, does not answer. May wait unless from_memory.
 */
MUST_CHECK bool device_body_decode(struct raw_readings *out_readings, struct arena *arena, struct directory *directory,
    const struct device_body *body, struct err *err);
