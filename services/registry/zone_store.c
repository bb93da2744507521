#include "zone_store.h"

#define COLUMNS "id, code, name, municipality_id, created_at, updated_at"

static void fill(void *message, struct row *row)
{
    Nwims__V1__Zone *zone = message;
    zone->id = row_text(row, 0);
    zone->code = row_text(row, 1);
    zone->name = row_text(row, 2);
    zone->municipality_id = row_text(row, 3);
    zone->has_created_at = row_time(row, 4, &zone->created_at);
    zone->has_updated_at = row_time(row, 5, &zone->updated_at);
}

const struct entity zone_entity = { .noun = "zone",
    .plural = "zones",
    .columns = COLUMNS,
    .descriptor = &nwims__v1__zone__descriptor,
    .fill = fill,
    .filters = 1 };

bool zone_store_create(struct work *work, const Nwims__V1__Zone *zone, Nwims__V1__Zone *out_zone, struct err *err)
{
    char id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    return entity_store_write(work->session, &zone_entity,
        "INSERT INTO zone (tenant_id, id, code, name, municipality_id) VALUES ($1, $2, $3, $4, $5) RETURNING " COLUMNS,
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(id), PARAM_TEXT(zone->code), PARAM_TEXT(zone->name),
            PARAM_TEXT(zone->municipality_id)),
        zone->code, work->call, out_zone, err);
}

bool zone_store_update(struct work *work, const Nwims__V1__Zone *zone, Nwims__V1__Zone *out_zone, struct err *err)
{
    return entity_store_write(work->session, &zone_entity,
        "UPDATE zone SET code = coalesce($3, code), name = coalesce($4, name), municipality_id = coalesce($5, "
        "municipality_id), "
        "updated_at = now() WHERE tenant_id = $1 AND id = $2 RETURNING " COLUMNS,
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(work->key.id), PARAM_TEXT(zone->code), PARAM_TEXT(zone->name),
            PARAM_TEXT(zone->municipality_id)),
        zone->code, work->call, out_zone, err);
}
