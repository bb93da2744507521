/* What every request passes, in the order of gateway.c. Each is a file here. */
#pragma once
#include "exchange.h"

layer layer_trace;
layer layer_security_headers;
layer layer_limit_address;
layer layer_authenticate;
layer layer_limit_caller;
layer layer_authorise;
layer layer_check_request;
/* Charges readings to the tenant's day; answers 429 itself and gives false where it has not so many left. */
MUST_CHECK bool limit_admit_readings(struct exchange *exchange, int64_t readings);
void limit_metrics_init(struct app *app);
/* Answers a GET of a cached route from the cache. Lets others pass; before a write is answered it makes worthless what
 * the write changed. */
layer layer_cache;
/* After the handler: whoever waits for an answer that did not come goes on. */
void layer_cache_done(struct exchange *exchange);
/* After the answer: times, what it held is given back, and a line in the log where something went wrong. */
void layer_account(struct exchange *exchange);
/* After the answer too: refused accesses go to the audit. */
void layer_audit(struct exchange *exchange);
