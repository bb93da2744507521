/* Units of measure by UCUM code (and the spellings that devices really send), and conversion between those of one
 * quantity. Any thread. */
#pragma once
#include "base/compiler.h"

struct unit;
/* NULL if unknown. Exact spelling first, then without regard to case where that is not ambiguous. */
const struct unit *unit_find(const char *text, size_t length);
const char *unit_code(const struct unit *unit); /* UCUM */
/* Whether the two measure the same quantity (pressure counts metres of water: m[H2O]; for a sensor whose unit is a
 * pressure, "m" is taken as m[H2O]). The same unit gives the same bits back; else the result is rounded at most twice.
 */
MUST_CHECK bool unit_convert(const struct unit *from, const struct unit *to, double value, double *out_value);
/* The usual unit of a sensor kind: "pressure" -> "bar", "flow" -> "m3/h"; NULL if there is no such kind. */
const char *unit_of_kind(const char *kind);
/* Whether a sensor of this kind may have this unit. */
MUST_CHECK bool unit_fits_kind(const struct unit *unit, const char *kind);
