/* The statements of an entity, made once from its message: the columns are the fields. */
#pragma once
#include "entity.h"

struct entity_sql {
    char insert[2048]; /* $1 tenant, $2 id, then every writable field; returns all */
    char update[2048]; /* $1 tenant, $2 id, then every writable field, NULL leaves as it is; returns all */
    char get_by_id[1024];
    char get_by_code[1024];
    char list[2048]; /* $1 tenant, $2 code and $3 id to go on after, $4 prefix pattern, $5 limit, then each filter, NULL for none */
    char delete[256];
};
/* Made at the first use; any thread. */
const struct entity_sql *entity_sql_of(const struct entity *entity);
/* Set by the server: not among the writable fields. */
MUST_CHECK bool entity_field_is_ours(const ProtobufCFieldDescriptor *field);
