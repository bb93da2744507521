/* What clients do wrong, or we cannot take: counted each time, logged as a sample, at most a line a second of each
 * kind. The kinds are the caller's own enumeration. One table a process. */
#pragma once
#include "base/compiler.h"
#include <stdint.h>

enum { COMPLAINT_MOST_KINDS = 32 };
/* Somebody was turned away: for the audit. */
struct complaint_refusal {
    const char *reason, *device_id, *peer;
    int32_t tenant_id;
};
struct complaints_config {
    const char *protocol;     /* of the metric's name (nwims_<protocol>_complaints_total) and of the log's lines */
    const char *const *names; /* names[i]: the reason of kind i, borrowed for good */
    unsigned count;
    uint32_t refusals; /* bit i: kind i is a refused access, of which refused is told each time; on any thread */
    void (*refused)(void *context, const struct complaint_refusal *refusal);
    void *context;
};
/* Before there are connections. */
void complaints_init(const struct complaints_config *config);
/* Any thread. device_id "" if not known yet; peer without its port. */
void complaint_note(
    unsigned complaint, int32_t tenant_id, const char *device_id, const char *peer, const char *problem);
