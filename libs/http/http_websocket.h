/* A request that becomes a WebSocket (RFC 6455), on its own thread: we say what there is to say, and of what the other
 * side says only pings and the wish to end matter; its messages are read, checked, bounded and dropped. */
#pragma once
#include "http/http_server.h"

struct http_websocket;

/* Whether the request asks for one. */
MUST_CHECK bool http_websocket_wanted(const struct http_request *request);
/* Answers 101 and opens it; the request must not be answered in another way. ERR_INPUT, nothing sent, if its headers
 * are not as RFC 6455 wants them. Freed with the request's arena. */
MUST_CHECK bool http_websocket_open(struct http_websocket **out_socket, struct http_request *request, struct err *err);
/* One text message. False: the other side is gone or took nothing for too long. */
MUST_CHECK bool http_websocket_send(struct http_websocket *socket, const void *text, size_t size);
MUST_CHECK bool http_websocket_ping(struct http_websocket *socket);
/* Reads what has come, waits for nothing. False: the other side ended it, broke the rules (it was told so) or is gone.
 */
MUST_CHECK bool http_websocket_look(struct http_websocket *socket);
enum { WEBSOCKET_NORMAL = 1000, WEBSOCKET_GOING_AWAY = 1001, WEBSOCKET_POLICY = 1008 };
/* Says good-bye; nothing more can be sent. */
void http_websocket_close(struct http_websocket *socket, int code, const char *reason);
