/* The units that there are; what unit.c looks things up in. Inside libs/ingest only. */
#pragma once
#include "base/compiler.h"

enum quantity {
    QUANTITY_RATIO,
    QUANTITY_PRESSURE,
    QUANTITY_FLOW,
    QUANTITY_LENGTH,
    QUANTITY_VOLUME,
    QUANTITY_TEMPERATURE,
    QUANTITY_PH,
    QUANTITY_CONCENTRATION,
    QUANTITY_NTU, /* NTU and FNU are measured with other optics: no conversion */
    QUANTITY_FNU,
    QUANTITY_CONDUCTIVITY,
    QUANTITY_VOLTAGE,
    QUANTITY_CURRENT,
    QUANTITY_POWER,
    QUANTITY_ENERGY,
    QUANTITY_FREQUENCY,
    QUANTITY_TIME,
    QUANTITY_SPEED,
};

/* (value - zero) * numerator / denominator is the value in the quantity's base unit. Whole numbers keep every factor
 * exact. */
struct unit {
    const char *code;
    enum quantity quantity;
    int64_t numerator, denominator;
    double zero;
    const char *also; /* other spellings, separated by one space; NULL: none */
};

extern const struct unit units[];
extern const size_t unit_count;
