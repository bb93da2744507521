/* The demo's water network: a few towns, their district metered areas, a logger in each and what it measures. */
#pragma once
#include "base/compiler.h"

enum { TOWN_COUNT = 3, ZONES_A_TOWN = 2, ZONE_COUNT = TOWN_COUNT * ZONES_A_TOWN, QUANTITY_COUNT = 7 };

struct town {
    const char *code, *name;
    int population;
    double latitude, longitude;
};
extern const struct town network_towns[TOWN_COUNT];

struct quantity {
    const char *suffix; /* of the sensor's code: DMA-01-FLOW */
    const char *kind, *unit;
    const char *sent_unit; /* what the logger sends; converted on arrival */
    double usual, daily_swing, noise;
};
extern const struct quantity network_quantities[QUANTITY_COUNT];

enum { NETWORK_CODE_SIZE = 64 };
void network_zone_code(char code[NETWORK_CODE_SIZE], int zone);
/* How its logger sends: "mqtt", "tcp" or "http". */
const char *network_zone_protocol(int zone);
void network_sensor_code(char code[NETWORK_CODE_SIZE], int zone, int quantity);
/* What the sensor shows at that time, in its canonical unit: consumption with a morning and an evening peak, pressure
 * that falls with it, noise that is the same whenever it is asked for the same time. */
double network_value(int zone, int quantity, int64_t at_us);
/* The same as the logger sends it (sent_unit). */
double network_sent_value(int zone, int quantity, int64_t at_us);
