/* Readings in by the API: a hand-written handler, because a batch is decoded in one pass without a tree and answered
 * when PostgreSQL has committed. */
#pragma once
#include "route.h"

exchange_handler post_batch_readings; /* POST /batch/readings: 1 to 100,000 */
exchange_handler post_reading;        /* POST /readings: one, or a few      */
extern const struct hand_written post_batch_readings_manual;
extern const struct hand_written post_reading_manual;
