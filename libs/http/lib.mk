LIBS         += http
http.sources := body_budget.c http_accept.c http_answer.c http_body.c http_client.c http_decode.c http_gzip.c http_limits.c http_metrics.c http_proxy.c http_query.c http_request.c http_router.c http_server.c http_socket.c http_watch.c http_websocket.c websocket_frames.c problem.c
# Debian's civetweb has no pkg-config file. Only programs that use the client are to load libcurl and its many libraries.
http.ldlibs  := -Wl,--push-state,--as-needed -lcivetweb -lcurl -Wl,--pop-state
http.packages := zlib
http.needs   := base metrics
