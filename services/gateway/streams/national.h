/* The tenants below the caller's own, in counts and means: what a ministry may see of utilities. */
#pragma once
#include "route.h"

exchange_handler get_national; /* GET /overview/national */
extern const struct hand_written get_national_manual;
