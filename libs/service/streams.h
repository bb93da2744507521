/* The catalogue of JetStream streams: one place that says what there is and how large it may grow. */
#pragma once
#include "bus/bus.h"

/* READINGS, REFUSED, EVENTS, AUDIT, NOTIFY, POSITIONS and POSITIONS-1 to -3, ONCE, DEAD. */
MUST_CHECK bool streams_ensure(struct bus *bus, struct err *err);
