/* The answer of JetStream to a publish: stored, stored before, or why not. */
#pragma once
#include "bus/bus.h"

struct bus_puback {
    uint64_t sequence;
    bool is_duplicate;
};

/* False with the error that the server named: ERR_LIMIT when a stream or the server is full, ERR_INPUT when the message
 * can never be stored, ERR_PRECONDITION when another message came in between, ERR_TRANSIENT for the rest and for what
 * is no answer of JetStream. */
MUST_CHECK bool bus_puback_parse(const char *data, size_t size, struct bus_puback *out_puback, struct err *err);
