/* Taking the gathers away from the loops when a front ends. */
#pragma once
#include "ingest/gather.h"
#include "metrics/metrics.h"
#include "net/net.h"

/* Gives what the gathers hold (the gauge held, in readings) wait_ms to be stored. */
void gather_end_wait(struct metric *held, int64_t wait_ms);
/* Closes the gather on the loop that uses it, sets it to NULL there, and waits until that is done; not on a loop's
 * thread, and not after net_server_close. */
void gather_end(struct net_server *server, int loop, struct gather **gather);
