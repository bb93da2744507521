/* The usual way of a request: path, query and body fill the method's request by field name, the owner answers, its
 * reply becomes JSON. */
#pragma once
#include "exchange.h"

void rpc_exchange(struct exchange *exchange);
/* The method that a route calls; NULL if its service has none of that name. */
const ProtobufCMethodDescriptor *route_method(const struct route *route);
