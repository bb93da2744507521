/* The server's half of a pull consumer: made when it is absent, brought up to date, never filtered anew. */
#pragma once
#include "bus/bus.h"

/* Zeroes replaced by the defaults; ERR_CONFIG if a value is out of range. */
MUST_CHECK bool bus_durable_complete(struct bus_consumer_config *config, struct err *err);
/* ERR_NOT_FOUND while the stream is absent; ERR_CONFIG if the durable exists with another filter. */
MUST_CHECK bool bus_durable_ensure(
    struct bus *bus, const struct bus_consumer_config *config, int64_t wait_ms, struct err *err);
bool bus_durable_exists(struct bus *bus, const struct bus_consumer_config *config, int64_t wait_ms);
