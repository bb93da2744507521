/* Where a message stands in its stream, read from the subject that it is acknowledged to. */
#pragma once
#include "bus/bus.h"

/* Whether reply is one to acknowledge to: what else arrives at a pull consumer's inbox is the server's talk about a
 * request. */
MUST_CHECK bool bus_reply_is_ack(const char *reply);
/* $JS.ACK.<stream>.<durable>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>, or the longer form
 * with a domain and an account before the stream; false if it is neither. */
MUST_CHECK bool bus_position_parse(const char *reply, struct bus_position *out_position);
