/* Which sensors a request is about: those that it names, or those that its filters let the registry list, in the
 * caller's name, so that nobody gets what lies outside of their scope. */
#pragma once
#include "history.h"
#include "ingest/sensor_list.h"

struct chosen {
    struct directory_sensor *sensors; /* in the arena, sorted by number, none twice */
    size_t count;
};
/* ERR_NOT_FOUND for a name that is none; ERR_INPUT, with violations, for more than most. */
MUST_CHECK bool chosen_read(struct chosen *out_chosen, struct history *history, struct rpc_call *call, char **names,
    size_t name_count, const struct sensor_filter *filter, size_t most, struct err *err);
/* NULL if it is not among them. */
const struct directory_sensor *chosen_find(const struct chosen *chosen, int32_t sensor_no);
