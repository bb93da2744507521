#include "base/clock.h"
#include "base/number.h"
#include "layers/layers.h"
#include <string.h>
#include <strings.h>

_Static_assert(
    sizeof((struct rpc_caller *)0)->actor >= sizeof((struct access_claims *)0)->subject, "who asks is named whole");

static const char *bearer_token(const struct exchange *exchange)
{
    const char *header = http_request_header(exchange->request, "Authorization");
    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    header += 7;
    while (*header == ' ')
        header++;
    return *header ? header : NULL;
}

static bool check_token(struct exchange *exchange, const char *token, struct err *err)
{
    struct app *app = exchange->app;
    int64_t now_us = clock_now_us();
    if (strlen(token) > ACCESS_TOKEN_LONGEST)
        return err_set(err, ERR_UNAUTHENTICATED, "the token is too long to be one of ours");
    if (token_cache_get(app->tokens, token, now_us, &exchange->claims))
        return true;
    if (!key_ring_verify(app->keys, token, now_us, &exchange->claims, err))
        return false;
    token_cache_put(app->tokens, token, &exchange->claims);
    return true;
}

/* A token or an API key in Authorization, or an API key in a header of its own. */
static const char *credential_of(const struct exchange *exchange, bool *out_is_key)
{
    const char *token = bearer_token(exchange), *key = http_request_header(exchange->request, "X-Api-Key");
    *out_is_key = token ? strncmp(token, API_KEY_PREFIX, strlen(API_KEY_PREFIX)) == 0 : key && *key;
    return token || !*out_is_key ? token : key;
}

static bool check_credential(struct exchange *exchange, const char *credential, bool is_key, struct err *err)
{
    struct app *app = exchange->app;
    if (!revocations_are_known(app->revocations))
        return err_set(err, ERR_TRANSIENT, "which tokens were revoked is not known yet");
    if (!(is_key ? api_keys_claims(app->api_keys, credential, clock_now_us(), &exchange->claims, err)
                 : check_token(exchange, credential, err)))
        return false;
    return !revocations_forbid(app->revocations, &exchange->claims) ||
           err_set(err, ERR_UNAUTHENTICATED, "the session has ended or was changed by an administrator: log in again");
}

/* Whoever may do everything everywhere says with Nwims-Tenant in which tenant. */
static bool choose_tenant(struct exchange *exchange)
{
    const char *wanted = http_request_header(exchange->request, "Nwims-Tenant");
    int64_t tenant_id = 0;
    exchange->caller.tenant_id = exchange->claims.tenant_id;
    if (!wanted)
        return true;
    if (!number_parse_int(wanted, strlen(wanted), &tenant_id) || tenant_id < 1 || tenant_id > INT32_MAX) {
        exchange_problem(exchange, 400, NULL, "Nwims-Tenant is not a tenant's number.");
        return false;
    }
    if (tenant_id != exchange->claims.tenant_id && !permission_granted(exchange->claims.permissions, "tenants:any")) {
        exchange_problem(exchange, 403, NULL, "Your token is for another tenant.");
        return false;
    }
    exchange->caller.tenant_id = (int32_t)tenant_id;
    return true;
}

bool layer_authenticate(struct exchange *exchange)
{
    struct err err = { 0 };
    bool is_key;
    const char *credential = credential_of(exchange, &is_key);
    if (strcmp(exchange->route->permission, PERMISSION_PUBLIC) == 0)
        return true;
    if (!credential) {
        exchange_problem(exchange, 401, NULL,
            "Send \"Authorization: Bearer <access token>\", which POST /api/v1/auth/login gives, or an API key.");
        return false;
    }
    if (!check_credential(exchange, credential, is_key, &err)) {
        exchange_fail(exchange, &err);
        return false;
    }
    memcpy(exchange->caller.actor, exchange->claims.subject, sizeof exchange->claims.subject);
    if (!choose_tenant(exchange))
        return false;
    exchange->scope.tenant_id = exchange->caller.tenant_id;
    return true;
}
