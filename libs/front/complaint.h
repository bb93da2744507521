/* What clients do wrong, or we cannot take: counted each time, logged as a sample, at most a line a second of each
 * kind. The kinds are the caller's own enumeration. One table a process. */
#pragma once
#include "base/compiler.h"

enum { COMPLAINT_MOST_KINDS = 32 };
/* protocol: of the metric's name (nwims_<protocol>_complaints_total) and of the log's lines. names[i]: the reason of
 * kind i, borrowed for good. Before there are connections. */
void complaints_init(const char *protocol, const char *const names[], unsigned count);
/* Any thread. device_id "" if not known yet; peer without its port. */
void complaint_note(
    unsigned complaint, int32_t tenant_id, const char *device_id, const char *peer, const char *problem);
