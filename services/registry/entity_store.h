/* Things with a code in SQL, by their tables (entity.h): finding, reading, making, changing and removing, within the
 * session's transaction, with the tenant in every statement and the caller's scope where it is not the whole tenant:
 * what lies outside is not there. */
#pragma once
#include "row.h"
#include "sql.h"
#include "work.h"

/* Appends " AND <the thing lies in the caller's scope>". */
void entity_put_scope(struct sql *sql, const struct entity *entity, const struct work *work);
/* Appends the entity's columns, separated by commas; large ones only if asked for, else NULL in their place. */
void entity_put_columns(struct sql *sql, const struct entity *entity, bool with_large);

/* Appends " FROM <table> WHERE <it is one of those named, by id or code, and in the caller's scope>". NULL names are
 * none. ERR_LIMIT without memory. */
MUST_CHECK bool entity_put_named(struct sql *sql, const struct entity *entity, struct work *work,
    const char *const *names, size_t count, struct err *err);

/* Locks the row until the end of the transaction, into work->key. ERR_NOT_FOUND. */
MUST_CHECK bool entity_store_lock(
    struct work *work, const struct entity *entity, const char *id_or_code, struct err *err);
/* Fills an empty message of the entity's type. ERR_NOT_FOUND. */
MUST_CHECK bool entity_store_get(
    struct work *work, const struct entity *entity, const char *id_or_code, void *out_message, struct err *err);
/* Of what work->key names. ERR_CONFLICT says what refers to it. */
MUST_CHECK bool entity_store_delete(struct work *work, const struct entity *entity, struct err *err);
/* Both fill out_message with what is there afterwards. A broken constraint becomes a violation of the call, or
 * ERR_CONFLICT naming the code; a reference outside the caller's scope is a violation too, and ERR_DENIED what would
 * lie outside itself. */
MUST_CHECK bool entity_store_create(
    struct work *work, const struct entity *entity, const void *message, void *out_message, struct err *err);
/* Changes what is there in the request, and clears what its list says, of the one that work->key names. */
MUST_CHECK bool entity_store_update(
    struct work *work, const struct entity *entity, const void *message, void *out_message, struct err *err);
