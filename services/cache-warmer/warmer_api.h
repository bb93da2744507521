/* The service CacheWarmer; see warmer.proto. Served by the replica that works, so that a call finds it. */
#pragma once
#include "rpc/rpc.h"

struct warmer;
MUST_CHECK bool warmer_api_open(
    struct rpc_server **out_server, struct bus *bus, struct warmer *warmer, struct err *err);
