/* Schemas of messages as parts of a larger document; inside this folder. What others call is in transcode.h. */
#pragma once
#include "base/json_writer.h"
#include "transcode/transcode.h"

enum openapi_use {
    OPENAPI_REPLY,
    OPENAPI_REQUEST, /* no read-only fields, no unknown ones, required ones listed */
    OPENAPI_PATCH,   /* the same, and nothing required                             */
};

/* "", "Input" or "Patch": put behind the message's name. */
const char *openapi_use_suffix(enum openapi_use use);
/* path: fields that it names in braces are left out; NULL for none. */
void openapi_put_message(
    struct json_writer *writer, const ProtobufCMessageDescriptor *type, enum openapi_use use, const char *path);
/* A reference to the schema of a message among the components. */
void openapi_put_reference(struct json_writer *writer, const ProtobufCMessageDescriptor *type, enum openapi_use use);
/* Without description, for parameters, which have their own. */
void openapi_put_parameter_schema(
    struct json_writer *writer, const ProtobufCFieldDescriptor *field, const struct field_manual *manual);
bool openapi_path_has(const char *path, const char *name);
