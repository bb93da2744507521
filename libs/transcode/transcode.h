/* JSON to protobuf messages and back, by descriptor, so that nobody writes a mapping by hand; checks the field rules of
 * the .proto comments and says every field that is wrong. *_at fields are RFC 3339 in JSON; bytes are base64; 64-bit
 * integers beyond 2^53 keep every digit (as text). */
#pragma once
#include "wire/wire.h"

/* What is wrong with a request; lives in the arena. */
struct transcode_violations {
    struct {
        const char *field;
        const char *reason;
    } items[32];
    size_t count;
};

/* Fills message (from wire_new) from a JSON object. Unknown and @readonly fields: unknown is a violation, read-only is
 * ignored, and so is a field that transcode_set_field has set already: the path wins over the body. null leaves a field
 * absent, and its name goes into the message's list "clear", if it has one (merge patch, RFC 7396): that of a field
 * which is required or kept is found wrong by
 * transcode_check. check_required: false for PATCH. violations starts as { 0 } and may be
 * shared by the calls for one request: any in it make a call fail. ERR_INPUT if the text is not one JSON object
 * (trailing bytes, depth > 16, too many values, not UTF-8) or if violations.count > 0 (a key that is there twice is
 * one); ERR_LIMIT if the arena is full. */
MUST_CHECK bool transcode_from_json(ProtobufCMessage *message, struct arena *arena, const char *json, size_t size,
    bool check_required, struct transcode_violations *violations, struct err *err);
/* Sets one field from a path parameter or query value (of a list field: adds an item), read-only or not; ERR_NOT_FOUND
 * if the message has no such field; a bad value is a violation and ERR_INPUT. */
MUST_CHECK bool transcode_set_field(ProtobufCMessage *message, struct arena *arena, const char *field,
    const char *value, struct transcode_violations *violations, struct err *err);
/* Whether required fields are there, or (without check_required, of a change) nothing is cleared that has to be there,
 * and every rule is kept; for messages filled by transcode_set_field. */
MUST_CHECK bool transcode_check(const ProtobufCMessage *message, bool check_required,
    struct transcode_violations *violations, struct arena *arena, struct err *err);
/* Appends the message as JSON; absent optional fields are left out, empty repeated fields are []. */
MUST_CHECK bool transcode_to_json(struct buffer *out, const ProtobufCMessage *message, struct err *err);

/* ---- the manual of the messages, from the .proto comments (generated: proto_manual.c)
 * ----------------------------------------------- */
struct field_manual {
    const char *name;
    const char *comment; /* without annotations */
    bool required, readonly;
    bool kept;     /* what is there can be changed but not cleared */
    bool internal; /* between gateway and owners only */
    bool has_min, has_max;
    double min, max;
    long length_min, length_max; /* -1: none */
    const char *in;              /* "a|b|c" or NULL */
    const char *format;          /* "code", "uuid", "geojson", "json" or NULL */
    const char *example;         /* or NULL */
};
struct message_manual {
    const char *name; /* "nwims.v1.Sensor" */
    const char *comment;
    const struct field_manual *fields; /* { 0 } last */
};
struct method_manual {
    const char *service; /* "nwims.v1.Registry" */
    const char *name;
    const char *comment;
};
extern const struct message_manual proto_manual[];                                    /* sorted by name, { 0 } last */
extern const size_t proto_manual_count;                                               /* without the last */
extern const struct method_manual proto_manual_methods[];                             /* { 0 } last */
const struct message_manual *message_manual_find(const char *full_name);              /* NULL if none */
const char *method_manual_comment(const char *service_full_name, const char *method); /* "" if none */

/* ---- OpenAPI
 * ------------------------------------------------------------------------------------------------------------------------------
 */
/* Appends the JSON Schema (2020-12, as OpenAPI 3.1 takes it) of a message as one object; references are
 * "#/components/schemas/<Name>". for_request: read-only fields are left out and required ones listed. */
void openapi_write_schema(struct buffer *out, const ProtobufCMessageDescriptor *type, bool for_request);
/* Appends the schema of one field, for parameters. */
void openapi_write_field_schema(
    struct buffer *out, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field);
