/* The sensors that a caller may see and that a filter names, as the registry lists them in the caller's name, page by
 * page in bounded memory. Any thread. */
#pragma once
#include "nwims/v1/registry.pb-c.h"
#include "rpc/rpc.h"

struct sensor_filter { /* NULL: any */
    const char *municipality_id;
    const char *zone_id;
    const char *kind;
    bool without_households;
};
/* Visits each until visit says false. ERR_INPUT if there are more than most; else as the registry or visit says. */
MUST_CHECK bool sensor_list_each(struct bus *bus, const struct rpc_caller *caller, const struct sensor_filter *filter,
    size_t most, bool (*visit)(void *context, const Nwims__V1__Sensor *sensor, struct err *err), void *context,
    struct err *err);
/* One by id or code; ERR_NOT_FOUND. */
MUST_CHECK bool sensor_list_one(struct bus *bus, const struct rpc_caller *caller, const char *id_or_code,
    bool (*visit)(void *context, const Nwims__V1__Sensor *sensor, struct err *err), void *context, struct err *err);
