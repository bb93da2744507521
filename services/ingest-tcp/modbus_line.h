/* A connection to one Modbus TCP device, read only (functions 1 to 4). Hides libmodbus. One thread at a time; calls
 * wait. */
#pragma once
#include "modbus_profile.h"

struct modbus_line;
/* host is an address. Connects at the first read. NULL without memory. */
MUST_CHECK struct modbus_line *modbus_line_new(const struct modbus_profile *profile);
void modbus_line_free(struct modbus_line *line);
AUTO_DEFINE(modbus_line, modbus_line_free)
/* values: block->count. ERR_TRANSIENT, ERR_DEADLINE: the device does not answer, the connection is ended; ERR_INPUT: it
 * answers that it has no such registers. */
MUST_CHECK bool modbus_line_read(
    struct modbus_line *line, const struct modbus_block *block, uint16_t *values, struct err *err);
