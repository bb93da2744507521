/* The thread that has the indexes of quiet partitions rebuilt (compaction.h), one at a time over all replicas. */
#pragma once
#include "writer.h"

struct compactor;
/* out is NULL if the settings say that there is to be
 * none. */
MUST_CHECK bool compactor_start(struct compactor **out_compactor, struct writer_shared *shared, struct err *err);
/* Cuts a rebuild short, once shared->is_stopping is set. NULL is fine. */
void compactor_stop(struct compactor *compactor);
