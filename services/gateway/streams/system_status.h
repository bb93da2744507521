/* How the system itself is: its processes, its streams, its pace. Nothing in it is of one tenant. */
#pragma once
#include "route.h"

exchange_handler get_system_services;    /* GET /system/services    */
exchange_handler get_system_streams;     /* GET /system/streams     */
exchange_handler get_system_performance; /* GET /system/performance */
extern const struct hand_written get_system_services_manual, get_system_streams_manual, get_system_performance_manual;
