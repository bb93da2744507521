/* POST /devices/import, /sensors/import and, for text/csv, /assets/import: a CSV file goes to its owner in parts that
 * fit the bus, each of whole rows. */
#pragma once
#include "route.h"

exchange_handler import_devices, import_sensors;
extern const struct hand_written import_devices_manual, import_sensors_manual;
/* Of a request whose body is CSV. */
struct Nwims__V1__BulkOptions;
void import_rows(struct exchange *exchange, const char *what, struct Nwims__V1__BulkOptions *options);
