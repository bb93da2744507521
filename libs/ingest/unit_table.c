#include "ingest/unit_table.h"

/* Capital M is mega and small m is milli wherever both exist (ML, mL). The micro sign has two code points. A table is
 * read by its columns: */
/* clang-format off */
const struct unit units[] = {
    { "1",       QUANTITY_RATIO, 1, 1, 0, "/ count none" },
    { "%",       QUANTITY_RATIO, 1, 100, 0, "%EL %RH percent" },
    /* pascal */
    { "Pa",      QUANTITY_PRESSURE, 1, 1, 0, NULL },
    { "hPa",     QUANTITY_PRESSURE, 100, 1, 0, NULL },
    { "kPa",     QUANTITY_PRESSURE, 1000, 1, 0, NULL },
    { "MPa",     QUANTITY_PRESSURE, 1000000, 1, 0, NULL },
    { "mbar",    QUANTITY_PRESSURE, 100, 1, 0, NULL },
    { "bar",     QUANTITY_PRESSURE, 100000, 1, 0, "barg" },
    { "atm",     QUANTITY_PRESSURE, 101325, 1, 0, NULL },
    { "m[H2O]",  QUANTITY_PRESSURE, 980665, 100, 0, "mH2O mWC mwc mws" },
    { "cm[H2O]", QUANTITY_PRESSURE, 980665, 10000, 0, "cmH2O" },
    { "mm[H2O]", QUANTITY_PRESSURE, 980665, 100000, 0, "mmH2O" },
    { "[psi]",   QUANTITY_PRESSURE, 44482216152605, 6451600000, 0, "psi psig" }, /* 4.4482216152605 N on the square of 25.4 mm */
    /* cubic metre a second */
    { "m3/s",    QUANTITY_FLOW, 1, 1, 0, "m³/s" },
    { "m3/min",  QUANTITY_FLOW, 1, 60, 0, "m³/min" },
    { "m3/h",    QUANTITY_FLOW, 1, 3600, 0, "m³/h m3/hr cmh" },
    { "m3/d",    QUANTITY_FLOW, 1, 86400, 0, "m³/d m3/day cmd" },
    { "L/s",     QUANTITY_FLOW, 1, 1000, 0, "l/s lps" },
    { "L/min",   QUANTITY_FLOW, 1, 60000, 0, "l/min lpm" },
    { "L/h",     QUANTITY_FLOW, 1, 3600000, 0, "l/h" },
    { "mL/min",  QUANTITY_FLOW, 1, 60000000, 0, "ml/min" },
    { "mL/d",    QUANTITY_FLOW, 1, 86400000000, 0, "ml/d" },
    { "ML/d",    QUANTITY_FLOW, 1000, 86400, 0, "Ml/d MLD mld" },
    { "[gal_us]/min", QUANTITY_FLOW, 3785411784, 60000000000000, 0, "gpm" }, /* a gallon is 231 cubic inches */
    { "10*6.[gal_us]/d", QUANTITY_FLOW, 3785411784, 86400000000, 0, "MGD mgd" },
    /* metre */
    { "m",       QUANTITY_LENGTH, 1, 1, 0, NULL },
    { "dm",      QUANTITY_LENGTH, 1, 10, 0, NULL },
    { "cm",      QUANTITY_LENGTH, 1, 100, 0, NULL },
    { "mm",      QUANTITY_LENGTH, 1, 1000, 0, NULL },
    { "[ft_i]",  QUANTITY_LENGTH, 3048, 10000, 0, "ft" },
    { "[in_i]",  QUANTITY_LENGTH, 254, 10000, 0, "in" },
    /* cubic metre */
    { "m3",      QUANTITY_VOLUME, 1, 1, 0, "m³" },
    { "L",       QUANTITY_VOLUME, 1, 1000, 0, "l dm3" },
    { "hL",      QUANTITY_VOLUME, 1, 10, 0, "hl" },
    { "mL",      QUANTITY_VOLUME, 1, 1000000, 0, "ml" },
    { "ML",      QUANTITY_VOLUME, 1000, 1, 0, "Ml" },
    { "[gal_us]", QUANTITY_VOLUME, 3785411784, 1000000000000, 0, "gal" },
    { "[cft_i]", QUANTITY_VOLUME, 28316846592, 1000000000000, 0, "ft3 ft³" },
    /* degree Celsius */
    { "Cel",     QUANTITY_TEMPERATURE, 1, 1, 0, "C °C degC celsius" },
    { "K",       QUANTITY_TEMPERATURE, 1, 1, 273.15, NULL },
    { "[degF]",  QUANTITY_TEMPERATURE, 5, 9, 32, "F °F degF fahrenheit" },
    { "[pH]",    QUANTITY_PH, 1, 1, 0, "pH" },
    /* milligram a litre; a millionth of water is one */
    { "mg/L",    QUANTITY_CONCENTRATION, 1, 1, 0, "mg/l g/m3" },
    { "ug/L",    QUANTITY_CONCENTRATION, 1, 1000, 0, "ug/l µg/L µg/l μg/L μg/l" },
    { "g/L",     QUANTITY_CONCENTRATION, 1000, 1, 0, "g/l" },
    { "[ppm]",   QUANTITY_CONCENTRATION, 1, 1, 0, "ppm" },
    { "[ppb]",   QUANTITY_CONCENTRATION, 1, 1000, 0, "ppb" },
    { "{NTU}",   QUANTITY_NTU, 1, 1, 0, "NTU [NTU]" },
    { "{FNU}",   QUANTITY_FNU, 1, 1, 0, "FNU [FNU]" },
    /* microsiemens a centimetre */
    { "uS/cm",   QUANTITY_CONDUCTIVITY, 1, 1, 0, "µS/cm μS/cm" },
    { "mS/cm",   QUANTITY_CONDUCTIVITY, 1000, 1, 0, NULL },
    { "mS/m",    QUANTITY_CONDUCTIVITY, 10, 1, 0, NULL },
    { "S/m",     QUANTITY_CONDUCTIVITY, 10000, 1, 0, NULL },
    { "V",       QUANTITY_VOLTAGE, 1, 1, 0, NULL },
    { "mV",      QUANTITY_VOLTAGE, 1, 1000, 0, NULL },
    { "kV",      QUANTITY_VOLTAGE, 1000, 1, 0, NULL },
    { "A",       QUANTITY_CURRENT, 1, 1, 0, NULL },
    { "mA",      QUANTITY_CURRENT, 1, 1000, 0, NULL },
    { "W",       QUANTITY_POWER, 1, 1, 0, NULL },
    { "kW",      QUANTITY_POWER, 1000, 1, 0, NULL },
    { "MW",      QUANTITY_POWER, 1000000, 1, 0, NULL },
    /* joule */
    { "J",       QUANTITY_ENERGY, 1, 1, 0, NULL },
    { "kJ",      QUANTITY_ENERGY, 1000, 1, 0, NULL },
    { "MJ",      QUANTITY_ENERGY, 1000000, 1, 0, NULL },
    { "W.h",     QUANTITY_ENERGY, 3600, 1, 0, "Wh" },
    { "kW.h",    QUANTITY_ENERGY, 3600000, 1, 0, "kWh" },
    { "MW.h",    QUANTITY_ENERGY, 3600000000, 1, 0, "MWh" },
    { "Hz",      QUANTITY_FREQUENCY, 1, 1, 0, NULL },
    { "/min",    QUANTITY_FREQUENCY, 1, 60, 0, "rpm 1/min" },
    { "s",       QUANTITY_TIME, 1, 1, 0, NULL },
    { "min",     QUANTITY_TIME, 60, 1, 0, NULL },
    { "h",       QUANTITY_TIME, 3600, 1, 0, "hr" },
    { "d",       QUANTITY_TIME, 86400, 1, 0, NULL },
    { "m/s",     QUANTITY_SPEED, 1, 1, 0, NULL },
    { "mm/s",    QUANTITY_SPEED, 1, 1000, 0, NULL },
};
/* clang-format on */
const size_t unit_count = COUNT_OF(units);
