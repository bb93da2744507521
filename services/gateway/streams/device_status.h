/* How a device is: what the registry has heard of it, and what history has of its sensors. */
#pragma once
#include "route.h"

exchange_handler get_device_status; /* GET /devices/{id}/status */
extern const struct hand_written get_device_status_manual;
