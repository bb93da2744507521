/* What the things of the registry have in common, as tables: which columns they have, by what they are found, sorted
 * and filtered, and where they count to. Everything that is not special to one of them is done from these tables. */
#pragma once
#include "nwims/v1/registry.pb-c.h"
#include "rpc/rpc.h"

enum column_flag {
    COLUMN_READONLY = 1, /* never written by a caller                     */
    COLUMN_REQUIRED = 2, /* must be there, and cannot be cleared          */
    COLUMN_KEPT = 4,     /* cannot be cleared                             */
    COLUMN_FIXED = 8,    /* written when it is made and never again       */
    COLUMN_LARGE = 16,   /* not in lists                                  */
    COLUMN_PLACE = 32,   /* moves it, and what belongs to it, when it changes */
};
struct entity;
struct column {
    const char *name; /* of the column in the table and of the field in the message */
    const char *type; /* PostgreSQL's */
    int flags;
    const char *preset;          /* SQL for what is not there when it is made; NULL: NULL */
    const struct entity *refers; /* a reference: must lie within the caller's scope too */
};
/* A field of the list's request and the condition it stands for; %s is where its parameter goes. */
struct filter {
    const char *field;
    const char *condition;
};
/* A filter by region, on the column that names the municipality. The tenant is every list's first parameter. */
#define IN_REGION(column)                                                                                              \
    column " = ANY (ARRAY(SELECT m.id FROM municipality m WHERE m.tenant_id = $1 AND m.region_id = %s::uuid))"

struct entity {
    const char *noun;             /* the table too, and the last token of its events */
    const char *plural;           /* of the permissions */
    const struct column *columns; /* id first, code second, { 0 } last */
    const struct filter *filters; /* { 0 } last */
    const ProtobufCMessageDescriptor *descriptor;
    const char *place; /* the column that names the municipality it counts to; NULL: regions, which are above */
    /* The rules of its fields, told as violations of the call. Does no I/O. */
    void (*check)(struct rpc_call *call, struct err *err, const void *message, bool is_new);
};
extern const struct entity region_entity, municipality_entity, zone_entity, site_entity, device_entity, sensor_entity,
    asset_entity, network_entity;

enum { CODE_SIZE = 65 };
