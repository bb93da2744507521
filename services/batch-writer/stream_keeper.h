/* Keeps room in READINGS: one thread that removes what every durable consumer has read, and tells how full the stream
 * is and how far each reader is behind. Every replica runs one: they do not disturb each other. */
#pragma once
#include "writer.h"

struct stream_keeper;
MUST_CHECK bool stream_keeper_start(struct stream_keeper **out_keeper, struct writer_shared *shared, struct err *err);
/* Ends it. NULL is fine. */
void stream_keeper_stop(struct stream_keeper *keeper);
