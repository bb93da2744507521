/* A whole OpenAPI 3.1 document from a table of operations and the manual of the messages. */
#pragma once
#include "transcode/transcode.h"

/* All texts are borrowed until the call returns; those not needed are NULL. */
struct openapi_operation {
    const char *method;      /* "GET" */
    const char *path;        /* "/sensors/{id}": below the server's URL */
    const char *id;          /* the RPC method's name; made unique if it comes again */
    const char *tag;         /* the group it is shown in */
    const char *tag_summary; /* what the group is about; NULL: none */
    const char *summary;     /* one line; NULL: the id */
    const char *permission;  /* NULL: open to all; "": for anybody who is logged in */
    const ProtobufCMessageDescriptor
        *request; /* names its path parameters; the rest is the body (POST, PUT, PATCH) or the query */
    const ProtobufCMessageDescriptor *reply; /* NULL: no body */
    int success_status;
    const char *request_schema; /* JSON Schema of the body, instead of the request's; the request is the query then */
    const char *reply_schema;   /* JSON Schema of the reply, instead of the descriptor's */
    const ProtobufCMessageDescriptor *body; /* the same as a message */
    bool may_go_on;                         /* may answer 202 too, with the same reply */
    const char *request_media_types;        /* "application/json|text/csv"; NULL: JSON */
    const char *reply_media_types;
};
struct openapi_info {
    const char *title;
    const char *version;
    const char *description;
    const char *server_url; /* "/api/v1" or "/" */
    const char *license;    /* SPDX identifier; NULL: not said */
};

/* Appends the document. ERR_LIMIT if it does not fit or reaches too many messages. */
MUST_CHECK bool openapi_write_document(struct buffer *out, const struct openapi_info *info,
    const struct openapi_operation *operations, size_t count, struct err *err);
