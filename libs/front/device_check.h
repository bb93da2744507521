/* Whether the credential that a connection was opened with is still good: asked on a worker, after it may have changed.
 */
#pragma once
#include "front/workers.h"
#include "ingest/directory.h"
#include "net/net.h"

struct device_check {
    struct net_mail mail; /* first: what handler gets is this */
    struct job job;
    struct directory *directory;
    struct net_server *server;
    struct directory_device was;
    struct err err; /* ERR_NONE: still good; ERR_UNAUTHENTICATED: not any more; else not known just now */
};
/* handler is called on the connection's loop and frees the check. False when too many wait, or without memory. */
MUST_CHECK bool device_check_start(struct workers *workers, struct directory *directory, struct net_server *server,
    const struct net_handle *handle, const struct directory_device *was,
    void (*handler)(void *context, struct net_connection *connection, struct net_mail *mail));
