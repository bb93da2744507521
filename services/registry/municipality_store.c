#include "municipality_store.h"

#define COLUMNS "id, code, name, population, latitude, longitude, created_at, updated_at"

static void fill(void *message, struct row *row)
{
    Nwims__V1__Municipality *municipality = message;
    municipality->id = row_text(row, 0);
    municipality->code = row_text(row, 1);
    municipality->name = row_text(row, 2);
    municipality->has_population = row_int(row, 3, &municipality->population);
    municipality->has_latitude = row_double(row, 4, &municipality->latitude);
    municipality->has_longitude = row_double(row, 5, &municipality->longitude);
    municipality->has_created_at = row_time(row, 6, &municipality->created_at);
    municipality->has_updated_at = row_time(row, 7, &municipality->updated_at);
}

const struct entity municipality_entity = { .noun = "municipality",
    .plural = "municipalities",
    .columns = COLUMNS,
    .descriptor = &nwims__v1__municipality__descriptor,
    .fill = fill };

bool municipality_store_create(struct work *work, const Nwims__V1__Municipality *municipality,
    Nwims__V1__Municipality *out_municipality, struct err *err)
{
    char id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    return entity_store_write(work->session, &municipality_entity,
        "INSERT INTO municipality (tenant_id, id, code, name, population, latitude, longitude) VALUES ($1, $2, $3, $4, "
        "$5, $6, $7) "
        "RETURNING " COLUMNS,
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(id), PARAM_TEXT(municipality->code),
            PARAM_TEXT(municipality->name), PARAM_INT_IF(municipality->has_population, municipality->population),
            PARAM_DOUBLE_IF(municipality->has_latitude, municipality->latitude),
            PARAM_DOUBLE_IF(municipality->has_longitude, municipality->longitude)),
        municipality->code, work->call, out_municipality, err);
}

bool municipality_store_update(struct work *work, const Nwims__V1__Municipality *municipality,
    Nwims__V1__Municipality *out_municipality, struct err *err)
{
    return entity_store_write(work->session, &municipality_entity,
        "UPDATE municipality SET code = coalesce($3, code), name = coalesce($4, name), population = coalesce($5, "
        "population), "
        "latitude = coalesce($6, latitude), longitude = coalesce($7, longitude), updated_at = now() WHERE tenant_id = "
        "$1 AND "
        "id = $2 RETURNING " COLUMNS,
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(work->key.id), PARAM_TEXT(municipality->code),
            PARAM_TEXT(municipality->name), PARAM_INT_IF(municipality->has_population, municipality->population),
            PARAM_DOUBLE_IF(municipality->has_latitude, municipality->latitude),
            PARAM_DOUBLE_IF(municipality->has_longitude, municipality->longitude)),
        municipality->code, work->call, out_municipality, err);
}
