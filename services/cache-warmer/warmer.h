/* When what is warmed: at start, on schedule, after a change, and when asked. Of several replicas the one that holds
 * the lock in Redis works; the others wait to take its place. */
#pragma once
#include "fill.h"
#include "settings.h"

struct warmer;
MUST_CHECK bool warmer_open(
    struct warmer **out_warmer, struct bus *bus, const struct warmer_config *config, struct err *err);
void warmer_close(struct warmer *warmer);
AUTO_DEFINE(warmer, warmer_close)
/* Warms the subjects (bits) of the tenant now, one result each in out_results, those not wanted untouched. ERR_LIMIT if
 * another call was warming until the deadline. Any thread. */
MUST_CHECK bool warmer_warm(struct warmer *warmer, int32_t tenant_id, unsigned subjects,
    const struct fill_limits *limits, struct fill_result out_results[WARM_SUBJECT_COUNT], struct err *err);
struct bus *warmer_bus(const struct warmer *warmer);
