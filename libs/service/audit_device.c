#include "service/audit_trail.h"
#include <stdio.h>

void audit_trail_device_refused(struct audit_trail *trail, const struct audit_device *device)
{
    struct rpc_caller caller = { .tenant_id = device->tenant_id };
    char detail[128];
    bool is_known = device->device_id && *device->device_id;
    snprintf(detail, sizeof detail, "{\"protocol\":\"%s\",\"reason\":\"%s\"}", device->protocol, device->reason);
    snprintf(caller.peer, sizeof caller.peer, "%s", device->peer);
    if (is_known)
        snprintf(caller.actor, sizeof caller.actor, "device:%.50s", device->device_id);
    trace_begin(&caller.trace, NULL);
    const struct audit_event event = { .action = "device.refused",
        .entity = "device",
        .entity_id = is_known ? device->device_id : NULL,
        .outcome = "refused",
        .detail = detail };
    audit_trail_refused(trail, &caller, &event);
}
