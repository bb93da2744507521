#include "network.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const struct town network_towns[TOWN_COUNT] = {
    { "LAKESIDE", "Lakeside", 48200, 45.81, 9.08 },
    { "HILLTOWN", "Hilltown", 21500, 45.70, 9.67 },
    { "RIVERPORT", "Riverport", 112000, 45.13, 10.02 },
};

const struct quantity network_quantities[QUANTITY_COUNT] = {
    { "FLOW", "flow", "m3/h", "L/s", 90, 55, 2.5 },
    { "PRESSURE-IN", "pressure", "bar", "kPa", 4.2, -0.5, 0.02 },
    { "PRESSURE-LOW", "pressure", "bar", NULL, 2.9, -0.7, 0.03 },
    { "LEVEL", "level", "m", NULL, 3.4, -0.8, 0.01 },
    { "CHLORINE", "chlorine", "mg/L", NULL, 0.32, 0.04, 0.004 },
    { "TURBIDITY", "turbidity", "{NTU}", NULL, 0.18, 0.03, 0.01 },
    { "TEMPERATURE", "temperature", "Cel", NULL, 12.4, 0.6, 0.05 },
};

void network_zone_code(char code[NETWORK_CODE_SIZE], int zone)
{
    snprintf(code, NETWORK_CODE_SIZE, "DMA-%02d", zone + 1);
}

void network_sensor_code(char code[NETWORK_CODE_SIZE], int zone, int quantity)
{
    snprintf(code, NETWORK_CODE_SIZE, "DMA-%02d-%s", zone + 1, network_quantities[quantity].suffix);
}

/* Minus one at night, towards one in the morning and the evening. */
static double daily_shape(double hour)
{
    double morning = exp(-pow((hour - 7.5) / 1.8, 2)), evening = exp(-pow((hour - 19.0) / 2.4, 2));
    double night = exp(-pow(fmin(fabs(hour - 3.0), fabs(hour - 27.0)) / 2.5, 2));
    return morning + 0.8 * evening - 0.9 * night;
}

static double noise_at(int zone, int quantity, int64_t at_us)
{
    const struct {
        int64_t at_us, zone, quantity;
    } seed = { at_us, zone, quantity };
    uint64_t hash = text_hash(&seed, sizeof seed);
    /* The sum of four uniform numbers is near enough to a normal one. */
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (double)((hash >> (16 * i)) & 0xffff) / 65535.0 - 0.5;
    return sum * 1.7;
}

double network_value(int zone, int quantity, int64_t at_us)
{
    const struct quantity *what = &network_quantities[quantity];
    double hour = (double)(at_us % 86400000000) / 3600e6;
    double size = 0.7 + 0.15 * zone;
    double value = what->usual + what->daily_swing * daily_shape(hour) + what->noise * noise_at(zone, quantity, at_us);
    if (quantity == 0)
        value *= size;
    return round(fmax(value, 0) * 1000) / 1000;
}

double network_sent_value(int zone, int quantity, int64_t at_us)
{
    const char *unit = network_quantities[quantity].sent_unit;
    double value = network_value(zone, quantity, at_us);
    if (!unit)
        return value;
    return round((strcmp(unit, "kPa") == 0 ? value * 100 : value / 3.6) * 1000) / 1000;
}

const char *network_zone_protocol(int zone)
{
    return zone % 3 == 2 ? "mqtt" : zone % 6 == 1 ? "tcp" : "http";
}
