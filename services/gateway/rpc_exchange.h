/* The usual way of a request: path, query and body fill the method's request by field name, the owner answers, its
 * reply becomes JSON. */
#pragma once
#include "exchange.h"
#include "transcode/transcode.h"

void rpc_exchange(struct exchange *exchange);
/* For handlers written by hand: fills the message from path, query and body; false when it answered what is wrong. */
MUST_CHECK bool rpc_exchange_fill(struct exchange *exchange, ProtobufCMessage *message);
/* And answers with what is wrong with the request, or with what the owner found. */
void rpc_exchange_violations(
    struct exchange *exchange, const struct transcode_violations *violations, const struct err *err);
struct Nwims__V1__Failure;
void rpc_exchange_failure(struct exchange *exchange, const struct Nwims__V1__Failure *failure, const struct err *err);
/* Whether the call failed because nobody serves what an installation may do without: then it answered so. */
MUST_CHECK bool rpc_exchange_absent(
    struct exchange *exchange, const ProtobufCServiceDescriptor *service, const struct err *err);
/* The method that a route calls; NULL if its service has none of that name. */
const ProtobufCMethodDescriptor *route_method(const struct route *route);
