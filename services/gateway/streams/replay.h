/* POST /ingest/rejections/replay. */
#pragma once
#include "route.h"

exchange_handler post_rejections_replay;
extern const struct hand_written post_rejections_replay_manual;
