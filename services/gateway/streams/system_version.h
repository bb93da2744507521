/* Which version runs. */
#pragma once
#include "route.h"

exchange_handler get_system_version;
extern const struct hand_written get_system_version_manual;
