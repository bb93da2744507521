/* Positions of devices in the streams POSITIONS (proto/nwims/v1/positions.proto), one of which each device is in. Each
 * call is a round trip, the first read of a device two; any thread. */
#pragma once
#include "base/uuid.h"
#include "bus/bus.h"
#include "ingest/sequence_gaps.h"

struct position_value {
    uint64_t epoch, committed;
    struct sequence_gaps gaps; /* what is missing up to committed */
    struct uuid owner;
    int64_t at; /* when it was written; read only */
};
struct position_key {
    int32_t tenant_id;
    char device_id[UUID_TEXT_SIZE];
    bool is_lease; /* of who asks the device, instead of how far it is */
};
/* Nothing stored yet: true with *out_sequence 0, and so is what was stored before there were several streams. */
MUST_CHECK bool position_store_read(struct bus *bus, const struct position_key *key, struct position_value *out_value,
    uint64_t *out_sequence, struct err *err);
/* ERR_PRECONDITION if something else was stored after last_sequence. */
MUST_CHECK bool position_store_write(struct bus *bus, const struct position_key *key,
    const struct position_value *value, uint64_t last_sequence, uint64_t *out_sequence, struct err *err);
