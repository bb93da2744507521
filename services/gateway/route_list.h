/* The table of routes as JSON, for "gateway --routes": what tests and tools hold the running API against. */
#pragma once
#include "base/buffer.h"
#include "base/compiler.h"

void route_list_write(struct buffer *out);
/* True, and printed, if that is what the arguments ask for: needs no settings and no other part of the system. */
MUST_CHECK bool route_list_asked(int argc, char **argv);
