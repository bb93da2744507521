/* How many bytes of request bodies may be in memory at once, over all connections: what keeps a hundred large requests
 * from taking the machine. Any thread. */
#pragma once
#include "base/compiler.h"
#include <stdatomic.h>

struct metric;
struct body_budget {
    atomic_size_t used_bytes;
    size_t ceiling_bytes;
    struct metric *gauge;
};
void body_budget_init(struct body_budget *budget, size_t ceiling_bytes);
/* False when it would go over the ceiling: the caller sheds the request. */
MUST_CHECK bool body_budget_take(struct body_budget *budget, size_t bytes);
void body_budget_give_back(struct body_budget *budget, size_t bytes);
