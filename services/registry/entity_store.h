/* What the four tables with a code have in common: finding, reading, listing and removing by id or code, and what a
 * broken constraint means. All within the session's transaction and with the tenant in every statement. */
#pragma once
#include "nwims/v1/registry.pb-c.h"
#include "page.h"
#include "rpc/rpc.h"
#include "store/store.h"

/* Reads one row into a message; columns in the order of struct entity. */
struct row {
    const struct store_result *rows;
    size_t number;
    struct arena *arena;
    bool is_cut; /* the arena was full */
};
char *row_text(struct row *row, size_t column); /* NULL for SQL NULL */
/* Both for fields with a has_: false for SQL NULL. */
bool row_int(const struct row *row, size_t column, int64_t *out_value);
bool row_double(const struct row *row, size_t column, double *out_value);
bool row_time(const struct row *row, size_t column, int64_t *out_us);

struct entity {
    const char *noun;    /* the table too, and the last token of its events */
    const char *plural;  /* of the permissions */
    const char *columns; /* id and code first */
    const ProtobufCMessageDescriptor *descriptor;
    void (*fill)(void *message, struct row *row);
    size_t filters; /* how many of these its table has: municipality, zone, device, kind */
};
extern const struct entity municipality_entity, zone_entity, device_entity, sensor_entity;

struct entity_key {
    char id[UUID_TEXT_SIZE];
    char code[CODE_SIZE];
};

/* Locks the row until the end of the transaction. ERR_NOT_FOUND. */
MUST_CHECK bool entity_store_lock(struct store_session *session, const struct entity *entity, int32_t tenant_id,
    const char *id_or_code, struct entity_key *out_key, struct err *err);
/* Fills an empty message of the entity's type. ERR_NOT_FOUND. */
MUST_CHECK bool entity_store_get(struct store_session *session, const struct entity *entity, int32_t tenant_id,
    const char *id_or_code, struct arena *arena, void *out_message, struct err *err);
/* ERR_CONFLICT says what refers to it. */
MUST_CHECK bool entity_store_delete(struct store_session *session, const struct entity *entity, int32_t tenant_id,
    const struct entity_key *key, struct err *err);

struct entity_items {
    size_t count;
    void *messages; /* an array of pointers to the entity's type */
    char *next_cursor;
};
MUST_CHECK bool entity_store_list(struct store_session *session, const struct entity *entity, int32_t tenant_id,
    const Nwims__V1__ListRequest *request, const struct page *page, struct arena *arena, struct entity_items *out_items,
    struct err *err);

/* Runs an INSERT or UPDATE that returns the entity's columns, and fills the message. A broken constraint becomes a
 * violation of the call, or ERR_CONFLICT naming the code. */
MUST_CHECK bool entity_store_write(struct store_session *session, const struct entity *entity, const char *sql,
    const struct store_param *params, size_t param_count, const char *code, struct rpc_call *call, void *out_message,
    struct err *err);

/* Parameters of optional fields. */
#define PARAM_INT_IF(has_, value_) ((has_) ? PARAM_INT(value_) : PARAM_NULL)
#define PARAM_DOUBLE_IF(has_, value_) ((has_) ? PARAM_DOUBLE(value_) : PARAM_NULL)
/* In an UPDATE: absent keeps what is there, an empty text clears it. */
#define KEEP_OR_SET(column, param)                                                                                     \
    column " = CASE WHEN " param "::text IS NULL THEN " column " ELSE NULLIF(" param "::text, '') END"
#define KEEP_OR_REFER(column, param)                                                                                   \
    column " = CASE WHEN " param "::text IS NULL THEN " column " ELSE NULLIF(" param "::text, '')::uuid END"
