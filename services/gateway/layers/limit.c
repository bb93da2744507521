/* How often who may ask: the address before anything is known of the caller, then the caller and the tenant. */
#include "base/clock.h"
#include "base/number.h"
#include "layers/layers.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char *const names[RATE_KINDS] = { "address", "key", "tenant" };
static const char *const details[RATE_KINDS] = {
    "Too many requests from your address; wait as Retry-After says.",
    "You ask more often than you may; wait as Retry-After says.",
    "Your tenant asks more often than it may; wait as Retry-After says.",
};

void limit_metrics_init(struct app *app)
{
    static const char *const labels[] = { "limit=\"address\"", "limit=\"key\"", "limit=\"tenant\"",
        "limit=\"readings\"" };
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        app->limited[i] =
            metrics_counter("nwims_gateway_limited_total", labels[i], "Requests turned away with 429, by limit.");
}

/* RateLimit and RateLimit-Policy as in draft-ietf-httpapi-ratelimit-headers-10: what is left now, of how much a second.
 */
static void tell(
    struct exchange *exchange, enum rate_kind kind, const struct rate *rate, const struct rate_verdict *verdict)
{
    char text[96];
    snprintf(text, sizeof text, "\"%s\";q=%.0f;w=1;nwims-burst=%.0f", names[kind], ceil(rate->per_second),
        ceil(rate->burst));
    http_respond_header(exchange->request, "RateLimit-Policy", text);
    snprintf(text, sizeof text, "\"%s\";r=%" PRId64 ";t=%" PRId64, names[kind], verdict->left,
        (verdict->wait_ms + 999) / 1000);
    http_respond_header(exchange->request, "RateLimit", text);
}

static bool admit(struct exchange *exchange, enum rate_kind kind, const char *asker, const struct rate *rate,
    struct rate_verdict *verdict)
{
    struct app *app = exchange->app;
    if (rate_limit_take(app->rates, kind, asker, rate, http_request_started_us(exchange->request), verdict))
        return true;
    metric_add(app->limited[kind], 1);
    tell(exchange, kind, rate, verdict);
    exchange_retry(exchange, 429, NULL, details[kind], (verdict->wait_ms + 999) / 1000);
    return false;
}

static struct rate own_part(const struct app *app, int64_t per_second)
{
    double rate = (double)per_second / (double)app->config.replicas;
    return (struct rate){ .per_second = rate, .burst = 2 * rate };
}

bool layer_limit_address(struct exchange *exchange)
{
    const struct rate rate = own_part(exchange->app, exchange->app->config.address_rate);
    struct rate_verdict verdict;
    return admit(exchange, RATE_OF_ADDRESS, exchange->caller.peer, &rate, &verdict);
}

bool layer_limit_caller(struct exchange *exchange)
{
    struct app *app = exchange->app;
    const struct rate key_rate = own_part(app, app->config.key_rate);
    struct rate_verdict of_key, of_tenant;
    char tenant[NUMBER_TEXT_SIZE];
    if (exchange->caller.tenant_id == 0) /* nobody is logged in */
        return true;
    const struct rate tenant_rate = tenant_quota_rate(app->quotas, exchange->caller.tenant_id);
    number_format_int(tenant, exchange->caller.tenant_id);
    if (!admit(exchange, RATE_OF_KEY, exchange->caller.actor, &key_rate, &of_key) ||
        !admit(exchange, RATE_OF_TENANT, tenant, &tenant_rate, &of_tenant))
        return false;
    /* The one that is nearer to its end. */
    if (of_tenant.left < of_key.left)
        tell(exchange, RATE_OF_TENANT, &tenant_rate, &of_tenant);
    else if (of_key.left < INT64_MAX)
        tell(exchange, RATE_OF_KEY, &key_rate, &of_key);
    return true;
}

bool limit_admit_readings(struct exchange *exchange, int64_t readings)
{
    struct app *app = exchange->app;
    if (tenant_quota_admit(app->quotas, exchange->caller.tenant_id, readings))
        return true;
    int64_t now_s = clock_now_us() / 1000000;
    metric_add(app->limited[RATE_KINDS], 1);
    exchange_retry(exchange, 429, "quota-used-up",
        "Your tenant has no room left for so many readings today; nothing was taken.", 86400 - now_s % 86400);
    return false;
}
