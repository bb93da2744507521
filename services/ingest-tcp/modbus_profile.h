/* What is to be read of a Modbus device, as its configuration in the registry says (README.md), and what its registers
 * mean. No I/O. */
#pragma once
#include "base/err.h"

enum modbus_table { MODBUS_COIL, MODBUS_DISCRETE, MODBUS_HOLDING, MODBUS_INPUT, MODBUS_TABLES };
enum modbus_type {
    MODBUS_BOOL,
    MODBUS_INT16,
    MODBUS_UINT16,
    MODBUS_INT32,
    MODBUS_UINT32,
    MODBUS_INT64,
    MODBUS_UINT64,
    MODBUS_FLOAT32,
    MODBUS_FLOAT64,
    MODBUS_TYPES
};
enum {
    MODBUS_MOST_POINTS = 512,
    MODBUS_MOST_REGISTERS = 125, /* of one request, as the protocol has it */
    MODBUS_MOST_INVALID = 4,
    MODBUS_HOST_SIZE = 46,
};
struct modbus_point {
    char sensor[65]; /* its code */
    char unit[33];   /* "": the sensor's own */
    enum modbus_table table;
    uint16_t address; /* as in the request: from 0 */
    enum modbus_type type;
    bool swaps_words, swaps_bytes;
    double scale, offset; /* value = raw * scale + offset */
    double invalid[MODBUS_MOST_INVALID];
    size_t invalid_count; /* raw values by which the device says that its sensor has failed */
    size_t block, place;  /* where it is found after reading */
};
/* What one request reads: at most MODBUS_MOST_REGISTERS. */
struct modbus_block {
    enum modbus_table table;
    uint16_t first, count;
};
struct modbus_profile {
    char host[MODBUS_HOST_SIZE]; /* an address, no name */
    uint16_t port;
    uint8_t unit;
    int64_t period_ms, timeout_ms;
    size_t largest_gap; /* registers that nobody wants and that may be read along */
    /* A register of the device that says how its values are: any of these bits set. */
    bool has_quality;
    struct modbus_point quality;
    uint16_t bad_bits, uncertain_bits;
    size_t point_count, block_count;
    struct modbus_point points[MODBUS_MOST_POINTS];
    struct modbus_block blocks[MODBUS_MOST_POINTS + 1];
};
/* NULL and no error if the configuration says nothing of Modbus. Caller frees with free. ERR_INPUT says what is wrong.
 */
MUST_CHECK bool modbus_profile_parse(
    struct modbus_profile **out_profile, const char *json, size_t size, struct err *err);
size_t modbus_type_registers(enum modbus_type type);
/* Before scale and offset. registers: as many as the type has, each as the wire's two bytes say it. */
double modbus_raw_value(const struct modbus_point *point, const uint16_t *registers);
MUST_CHECK bool modbus_is_invalid(const struct modbus_point *point, double raw);
