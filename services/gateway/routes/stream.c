#include "routes/routes.h"
#include "streams/live_stream.h"

static const struct route routes[] = {
    { .method = "GET",
        .path = "/stream",
        .permission = "stream:read",
        .success = 200,
        .handler = get_stream,
        .manual = &get_stream_manual },
    { .method = "GET",
        .path = "/ws",
        .permission = "stream:read",
        .success = 101,
        .handler = get_socket,
        .manual = &get_socket_manual },
    { 0 },
};
const struct router stream_router = { "stream", "Readings and changes as they happen", routes };
