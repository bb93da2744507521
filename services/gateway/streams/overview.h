/* The tenant at a glance: what its owners count, side by side. */
#pragma once
#include "route.h"

exchange_handler get_overview; /* GET /overview      */
exchange_handler get_kpis;     /* GET /overview/kpis */
extern const struct hand_written get_overview_manual, get_kpis_manual;
