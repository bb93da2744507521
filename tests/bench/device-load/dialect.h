/* What a device says and hears. Bytes only; fleet.c has the connections. */
#pragma once
#include "fleet.h"
#include <sys/types.h>

enum { DIALECT_PACKET_BYTES = 256 };
/* Messages of a device. */
struct dialect_count {
    uint64_t sent, acknowledged;
};
struct dialect_heard {
    bool is_welcome;
    uint64_t acknowledged; /* messages more than before */
};
/* The writers say how many bytes they wrote. */
struct fleet_dialect {
    size_t (*greet)(const struct fleet_config *config, size_t device, unsigned char packet[DIALECT_PACKET_BYTES]);
    /* The count's sent has it already; number: of all messages of the fleet. */
    size_t (*message)(const struct fleet_config *config, const struct dialect_count *count, size_t device,
        uint64_t number, unsigned char packet[DIALECT_PACKET_BYTES]);
    /* One packet: its size, 0 if it is not whole, -1 if it is the end. */
    ssize_t (*hear)(
        const struct dialect_count *count, const unsigned char *bytes, size_t size, struct dialect_heard *out_heard);
};
extern const struct fleet_dialect dialect_mqtt, dialect_nwt;
