/* Keeps what identity says of tenants: a suspended one's devices are refused. Follows events.*.tenant with a consumer
 * that all replicas share, and tells it on in the same transaction (events.<tenant>.tenant_access), so that whoever
 * hears of it and asks anew gets the new answer. A thread of its own. */
#pragma once
#include "registry.h"

struct tenant_watch;
MUST_CHECK bool tenant_watch_start(struct tenant_watch **out_watch, struct registry *registry, struct err *err);
void tenant_watch_stop(struct tenant_watch *watch); /* NULL is fine */
