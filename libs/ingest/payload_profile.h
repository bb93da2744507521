/* How a device packs its readings into bytes, declared rather than programmed: JSON that stands at the device in the
 * registry.
 *
 *   {"format": "binary", "endian": "little", "fields": [
 *     {"is": "time", "at": 0, "bits": 32, "utc_offset_s": 3600},
 *     {"is": "status", "at": 4, "bits": 8, "flags": [{"mask": 4, "status": 1083179008}]},
 *     {"sensor": "/volume", "at": 5, "bits": 32, "scale": 0.001, "unit": "m3", "invalid": [4294967295]},
 *     {"sensor": "/flow", "at": 9, "bits": 12, "type": "int", "count": 24, "step_s": -3600, "unit": "L/h"}]}
 *
 * endian: big (preset) or little; a field may say its own. fields, 1 to 64:
 *   is        value (preset), time, age (seconds before arrival), status
 *   sensor    of a value: its code; one that begins with "/" stands behind the device's code
 *   at, bit   where it begins: byte, and bit within it (0: the first; big-endian counts from the high end)
 *   bits      1 to 64; type uint (preset), int (two's complement), float (32 or 64 bits)
 *   scale, add, unit   value = raw * scale + add, in the unit (UCUM; the sensor's own if absent)
 *   invalid   raw values that say "no value": they give no reading
 *   count     so many in a row (1; 0: as many as the payload has), stride bits apart (preset: bits), each step_s after
 *             the one before (negative: the newest comes first)
 *   epoch_s   of a time: what 0 means in seconds since 1970; utc_offset_s: of a clock that shows local time, how far
 *             it is ahead of UTC (subtracted)
 *   flags     of a status: the first whose mask is wholly set gives every value its OPC UA status
 * {"format": "cayenne-lpp"} says that the payload is that. Every member that is not known is refused. Any thread. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum { PAYLOAD_PROFILE_LONGEST = 2048, PAYLOAD_MOST_FIELDS = 64, PAYLOAD_MOST_FLAGS = 16, PAYLOAD_MOST_INVALID = 8 };
enum payload_format { PAYLOAD_BINARY, PAYLOAD_CAYENNE };
enum payload_role { PAYLOAD_VALUE, PAYLOAD_TIME, PAYLOAD_AGE, PAYLOAD_STATUS };
enum payload_type { PAYLOAD_UINT, PAYLOAD_INT, PAYLOAD_FLOAT };
struct payload_flag {
    uint64_t mask;
    uint32_t status;
};
struct payload_field {
    enum payload_role role;
    enum payload_type type;
    bool is_little, has_endian;
    const char *sensor, *unit; /* in the arena; unit NULL: the sensor's own */
    uint32_t at, bit, bits, count, stride;
    double scale, add, step_s, epoch_s, utc_offset_s;
    double invalid[PAYLOAD_MOST_INVALID];
    size_t invalid_count;
    struct payload_flag flags[PAYLOAD_MOST_FLAGS];
    size_t flag_count;
};
struct payload_profile {
    enum payload_format format;
    bool is_little;
    struct payload_field *fields; /* in the arena */
    size_t field_count;
};
/* ERR_INPUT says what is wrong with it, and where; ERR_LIMIT. */
MUST_CHECK bool payload_profile_parse(
    struct payload_profile *out_profile, struct arena *arena, const char *json, size_t size, struct err *err);
