#include "base/clock.h"
#include "layers/layers.h"

void layer_account(struct exchange *exchange)
{
    int status = http_request_status(exchange->request);
    int64_t took_us = clock_monotonic_us() - http_request_started_us(exchange->request);
    if (exchange->body_charge > 0)
        body_budget_give_back(&exchange->app->bodies, exchange->body_charge);
    if (exchange->metrics && status >= 200 && status < 600)
        metric_observe(exchange->metrics->seconds[status / 100], (double)took_us / 1e6);
    log_event(status >= 500 ? LOG_WARN : LOG_DEBUG, &exchange->scope, "request",
        (const struct log_field[]){ LOG_TEXT("method", http_request_method(exchange->request)),
            LOG_TEXT("route", exchange->route ? exchange->route->path : NULL), LOG_COUNT("status", status),
            LOG_COUNT("bytes_in", exchange->received_bytes), LOG_COUNT("took_us", took_us),
            { .type = LOG_FIELD_END } });
}
