/* The gateway: a table of routes, eight layers, and the few things that they share. It knows no domain. */
#pragma once
#include "api_keys.h"
#include "auth/auth.h"
#include "cache/cache.h"
#include "http/body_budget.h"
#include "http/http_router.h"
#include "http/http_server.h"
#include "ingest/intake.h"
#include "key_ring.h"
#include "live/live.h"
#include "rate_limit.h"
#include "revocations.h"
#include "route.h"
#include "settings.h"
#include "streams/system_ping.h"
#include "tenant_quota.h"

struct app {
    struct gateway_config config;
    struct service *service;
    struct bus *bus; /* borrowed from service */
    struct http_router *router;
    struct route_metrics *route_metrics; /* one a route, pointed to by the router */
    struct key_ring *keys;
    struct token_cache *tokens;
    struct api_keys *api_keys;
    struct revocations *revocations;
    struct directory *directory;
    struct intake *intake;
    struct cache *cache;
    struct http_server *server;
    struct body_budget bodies;
    struct rate_limit *rates;
    struct tenant_quota *quotas;
    struct live *live;
    struct system_ping ping;
    struct audit_trail *trail;
    struct metric *limited[RATE_KINDS + 1]; /* the last: of readings a day */
    struct buffer openapi, problems;        /* made once */
};

/* Builds the router and its metrics from the tables. */
MUST_CHECK bool gateway_build(struct app *app, struct err *err);
void gateway_forget(struct app *app);
/* http_handler: takes one request through the layers. */
void gateway_handle(void *context, struct http_request *request);
