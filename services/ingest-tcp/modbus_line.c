#include "modbus_line.h"
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct modbus_line {
    modbus_t *context;
    bool is_connected;
};

struct modbus_line *modbus_line_new(const struct modbus_profile *profile)
{
    struct modbus_line *line = calloc(1, sizeof *line);
    char port[8];
    uint32_t ms = (uint32_t)profile->timeout_ms;
    snprintf(port, sizeof port, "%u", profile->port);
    if (!line || !(line->context = modbus_new_tcp_pi(profile->host, port))) {
        free(line);
        return NULL;
    }
    modbus_set_response_timeout(line->context, ms / 1000, ms % 1000 * 1000);
    modbus_set_byte_timeout(line->context, ms / 1000, ms % 1000 * 1000);
    modbus_set_slave(line->context, profile->unit);
    return line;
}

static void disconnect(struct modbus_line *line)
{
    if (line->is_connected)
        modbus_close(line->context);
    line->is_connected = false;
}

void modbus_line_free(struct modbus_line *line)
{
    if (!line)
        return;
    disconnect(line);
    modbus_free(line->context);
    free(line);
}

/* After anything but an exception nobody knows which answer would come next: a new connection begins anew. */
static bool fail(struct modbus_line *line, const char *doing, struct err *err)
{
    int why = errno;
    bool is_exception = why > MODBUS_ENOBASE && why < MODBUS_ENOBASE + MODBUS_EXCEPTION_MAX;
    bool is_for_now = why == EMBXSBUSY || why == EMBXACK || why == EMBXGPATH || why == EMBXGTAR || why == EMBXSFAIL;
    if (!is_exception)
        disconnect(line);
    return err_set(err,
        is_exception && !is_for_now ? ERR_INPUT
        : why == ETIMEDOUT          ? ERR_DEADLINE
                                    : ERR_TRANSIENT,
        "%s: %s", doing, modbus_strerror(why));
}

static int read_block(struct modbus_line *line, const struct modbus_block *block, uint16_t *values)
{
    uint8_t bits[MODBUS_MOST_REGISTERS];
    int got;
    if (block->table == MODBUS_HOLDING)
        return modbus_read_registers(line->context, block->first, block->count, values);
    if (block->table == MODBUS_INPUT)
        return modbus_read_input_registers(line->context, block->first, block->count, values);
    got = block->table == MODBUS_COIL ? modbus_read_bits(line->context, block->first, block->count, bits)
                                      : modbus_read_input_bits(line->context, block->first, block->count, bits);
    for (int i = 0; i < got; i++)
        values[i] = bits[i];
    return got;
}

bool modbus_line_read(struct modbus_line *line, const struct modbus_block *block, uint16_t *values, struct err *err)
{
    if (!line->is_connected) {
        if (modbus_connect(line->context) != 0)
            return fail(line, "connecting", err);
        line->is_connected = true;
    }
    return read_block(line, block, values) == block->count || fail(line, "reading", err);
}
