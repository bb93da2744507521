/* The thread that has the indexes of quiet partitions rebuilt (compaction.h), one at a time over all replicas. */
#pragma once
#include "writer.h"

struct compactor;
/* Starts the thread, which ends when shared->is_stopping is set. out is NULL if the settings say that there is to be
 * none. */
MUST_CHECK bool compactor_start(struct compactor **out_compactor, struct writer_shared *shared, struct err *err);
/* Cuts a rebuild short and waits for the end. NULL is fine. */
void compactor_join(struct compactor *compactor);
