#include "http/body_budget.h"
#include "metrics/metrics.h"

void body_budget_init(struct body_budget *budget, size_t ceiling_bytes)
{
    atomic_init(&budget->used_bytes, 0);
    budget->ceiling_bytes = ceiling_bytes;
    budget->gauge = metrics_gauge("nwims_http_body_bytes", NULL, "Bytes of request bodies in memory");
}

bool body_budget_take(struct body_budget *budget, size_t bytes)
{
    size_t used = atomic_load(&budget->used_bytes);
    do {
        if (bytes > budget->ceiling_bytes || used > budget->ceiling_bytes - bytes)
            return false;
    } while (!atomic_compare_exchange_weak(&budget->used_bytes, &used, used + bytes));
    metric_set(budget->gauge, (double)(used + bytes));
    return true;
}

void body_budget_give_back(struct body_budget *budget, size_t bytes)
{
    size_t before = atomic_fetch_sub(&budget->used_bytes, bytes);
    metric_set(budget->gauge, (double)(before - bytes));
}
