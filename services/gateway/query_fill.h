/* The query of a handler that is written by hand, as a message: for handlers that rpc_exchange does not serve. */
#pragma once
#include "exchange.h"
#include "wire/wire.h"

/* Sets the message's fields from the query and checks their rules; answers 422 itself, each wrong parameter named, and
 * gives false. */
MUST_CHECK bool query_fill(struct exchange *exchange, ProtobufCMessage *message);
/* The same refusal for what a handler finds wrong by itself. */
void query_refuse(struct exchange *exchange, const char *parameter, const char *reason);
