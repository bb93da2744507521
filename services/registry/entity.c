#include "entity.h"

const struct entity municipality_entity = {
    .table = "municipality",
    .noun = "municipalities",
    .message = &nwims__v1__municipality__descriptor,
};
const struct entity zone_entity = {
    .table = "zone",
    .noun = "zones",
    .message = &nwims__v1__zone__descriptor,
    .filters = { "municipality_id" },
};
const struct entity device_entity = {
    .table = "device",
    .noun = "devices",
    .message = &nwims__v1__device__descriptor,
    .filters = { "municipality_id", "zone_id" },
};
const struct entity sensor_entity = {
    .table = "sensor",
    .noun = "sensors",
    .message = &nwims__v1__sensor__descriptor,
    .filters = { "municipality_id", "zone_id", "device_id", "kind" },
    .prepare = sensor_unit_prepare,
};
