#include "device_store.h"

#define COLUMNS "id, code, name, protocol, municipality_id, zone_id, state, created_at, updated_at"

static void fill(void *message, struct row *row)
{
    Nwims__V1__Device *device = message;
    device->id = row_text(row, 0);
    device->code = row_text(row, 1);
    device->name = row_text(row, 2);
    device->protocol = row_text(row, 3);
    device->municipality_id = row_text(row, 4);
    device->zone_id = row_text(row, 5);
    device->state = row_text(row, 6);
    device->has_created_at = row_time(row, 7, &device->created_at);
    device->has_updated_at = row_time(row, 8, &device->updated_at);
}

const struct entity device_entity = { .noun = "device",
    .plural = "devices",
    .columns = COLUMNS,
    .descriptor = &nwims__v1__device__descriptor,
    .fill = fill,
    .filters = 2 };

bool device_store_create(
    struct work *work, const Nwims__V1__Device *device, Nwims__V1__Device *out_device, struct err *err)
{
    char id[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    uuid_format(id, &uuid);
    return entity_store_write(work->session, &device_entity,
        "INSERT INTO device (tenant_id, id, code, name, protocol, municipality_id, zone_id, state) VALUES ($1, $2, $3, "
        "NULLIF($4, ''), $5, NULLIF($6, '')::uuid, NULLIF($7, '')::uuid, coalesce($8, 'active')) RETURNING " COLUMNS,
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(id), PARAM_TEXT(device->code), PARAM_TEXT(device->name),
            PARAM_TEXT(device->protocol), PARAM_TEXT(device->municipality_id), PARAM_TEXT(device->zone_id),
            PARAM_TEXT(device->state)),
        device->code, work->call, out_device, err);
}

bool device_store_update(
    struct work *work, const Nwims__V1__Device *device, Nwims__V1__Device *out_device, struct err *err)
{
    return entity_store_write(work->session, &device_entity,
        "UPDATE device SET code = coalesce($3, code), " KEEP_OR_SET(
            "name", "$4") ", protocol = coalesce($5, protocol), " KEEP_OR_REFER("municipality_id",
            "$6") ", " KEEP_OR_REFER("zone_id",
            "$7") ", state = coalesce($8, state), "
                  "updated_at = now() WHERE tenant_id = $1 AND id = $2 RETURNING " COLUMNS,
        PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(work->key.id), PARAM_TEXT(device->code), PARAM_TEXT(device->name),
            PARAM_TEXT(device->protocol), PARAM_TEXT(device->municipality_id), PARAM_TEXT(device->zone_id),
            PARAM_TEXT(device->state)),
        device->code, work->call, out_device, err);
}
