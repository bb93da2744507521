/* Audit records of those who have no database (gateway, ingest-*): a bounded queue and a thread that publishes them, so
 * that nobody waits for the bus, and a moment without it loses nothing. Any thread. */
#pragma once
#include "service/audit.h"

struct audit_trail;
/* name: of the program, the actor of the records that count what was suppressed. */
MUST_CHECK bool audit_trail_open(struct audit_trail **out_trail, struct bus *bus, const char *name, struct err *err);
/* Publishes what is queued, for at most three seconds; the rest is lost and logged. */
void audit_trail_close(struct audit_trail *trail);
AUTO_DEFINE(audit_trail, audit_trail_close)

/* For what must not happen unrecorded: false while the queue is nearly full, and then it is better refused. */
MUST_CHECK bool audit_trail_has_room(struct audit_trail *trail);
/* Queues; what does not fit is counted and logged. */
void audit_trail_put(struct audit_trail *trail, const struct rpc_caller *caller, const struct audit_event *event);
/* The same for what others can make happen as often as they like (refused accesses): sampled by caller, address, action
 * and entity; how many were left out is recorded once a minute as audit.suppressed, of a hundred callers and addresses
 * by name and of all others together. */
void audit_trail_refused(struct audit_trail *trail, const struct rpc_caller *caller, const struct audit_event *event);
/* Publishes before it returns; what cannot be published within timeout_ms is queued. */
void audit_trail_publish(
    struct audit_trail *trail, const struct rpc_caller *caller, const struct audit_event *event, int64_t timeout_ms);

/* A device that was turned away, as audit_trail_refused does it: action device.refused. A wrong secret tells nothing of
 * whose it is: only where it came from. */
struct audit_device {
    const char *protocol;  /* "mqtt": letters and digits */
    const char *reason;    /* "credentials": letters, digits and _ */
    const char *peer;      /* without its port */
    int32_t tenant_id;     /* 0: not known */
    const char *device_id; /* NULL or "": not known */
};
void audit_trail_device_refused(struct audit_trail *trail, const struct audit_device *device);
