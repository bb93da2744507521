/* Municipalities, zones, devices and sensors are kept in the same way: a table whose columns bear the names of the message's fields, found by id or by
 * the customer's code. One description each, one implementation for all. */
#pragma once
#include "registry.h"

enum { ENTITY_MOST_FIELDS = 24, ENTITY_MOST_FILTERS = 6 };

struct entity {
    const char *table; /* also the name in events and texts */
    const char *noun;  /* of its permissions: "sensors" */
    const ProtobufCMessageDescriptor *message;
    const char *filters[ENTITY_MOST_FILTERS]; /* columns by which lists may be filtered: fields of ListRequest */
    /* Looks at a message before it is stored and completes it; NULL: nothing to do. is_new: else a change, of which old (the stored one) is given. */
    bool (*prepare)(struct rpc_call *call, void *message, const void *old, struct err *err);
};
extern const struct entity municipality_entity, zone_entity, device_entity, sensor_entity;

/* A sensor's unit: given or the kind's usual one, of the right quantity, and fixed once made. */
MUST_CHECK bool sensor_unit_prepare(struct rpc_call *call, void *message, const void *old, struct err *err);

rpc_handler municipality_list, municipality_create, municipality_get, municipality_update, municipality_delete;
rpc_handler zone_list, zone_create, zone_get, zone_update, zone_delete;
rpc_handler device_list, device_create, device_get, device_update, device_delete;
rpc_handler sensor_list, sensor_create, sensor_get, sensor_update, sensor_delete;
