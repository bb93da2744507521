/* Readings and changes as they happen: server-sent events, and the same over a WebSocket. */
#pragma once
#include "route.h"

exchange_handler get_stream; /* GET /stream */
exchange_handler get_socket; /* GET /ws     */
extern const struct hand_written get_stream_manual, get_socket_manual;
