/* What every request passes, in the order of gateway.c. Each is a file here. */
#pragma once
#include "exchange.h"

layer layer_trace;
layer layer_security_headers;
layer layer_authenticate;
layer layer_authorise;
layer layer_check_request;
/* After the answer: times, what it held is given back, and a line in the log where something went wrong. */
void layer_account(struct exchange *exchange);
