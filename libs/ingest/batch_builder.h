/* Checks decoded readings and lays them out as the columns of a batch. Inside libs/ingest only. */
#pragma once
#include "ingest/refusal.h"

/* Entry i of every column is reading i of those that are good. */
struct batch_columns {
    size_t count;
    int32_t *sensor_no;
    int64_t *observed_at;
    double *value;
    uint32_t *status;
    uint32_t *flags;
    bool has_status, has_flags; /* whether any is not 0 */
    bool has_our_time;          /* whether any was stamped with the time we took it */
};
struct batch_source {
    const struct intake_config *config;
    const struct intake_request *request;
    const struct raw_readings *readings;
    int64_t received_at;
    bool from_memory; /* nobody is asked: with a name that the directory's memory lacks batch_build fails */
};
/* False only if the directory or the memory failed; bad readings go to refusals. */
MUST_CHECK bool batch_build(struct batch_columns *out_columns, struct directory *directory,
    const struct batch_source *source, struct refusals *refusals, struct arena *arena, struct err *err);
