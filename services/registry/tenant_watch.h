/* Keeps what identity says of tenants: a suspended one's devices are refused. Follows events.*.tenant with a consumer
 * that all replicas share, and tells it on in the same transaction (events.<tenant>.tenant_access), so that whoever
 * hears of it and asks anew gets the new answer. */
#pragma once
#include "event_feed.h"

/* Ended by event_feed_stop. */
MUST_CHECK bool tenant_watch_start(struct event_feed **out_feed, struct registry *registry, struct err *err);
