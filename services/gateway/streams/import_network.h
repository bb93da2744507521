/* POST /assets/import: an EPANET file of tens of megabytes goes to its owner in parts that fit the bus. */
#pragma once
#include "route.h"

exchange_handler import_network;
extern const struct hand_written import_network_manual;
