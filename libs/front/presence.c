#include "front/presence.h"
#include "base/clock.h"
#include "nwims/v1/events.pb-c.h"
#include <string.h>

static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

void presence_tell(struct event_outlet *outlet, const struct presence *presence)
{
    Nwims__V1__DevicePresence event = NWIMS__V1__DEVICE_PRESENCE__INIT;
    char connection_id[UUID_TEXT_SIZE];
    bool is_end = strcmp(presence->kind, "disconnected") == 0, is_seen = strcmp(presence->kind, "seen") == 0;
    if (!is_seen)
        uuid_format(connection_id, presence->connection_id);
    event.has_tenant_id = event.has_at = true;
    event.tenant_id = presence->device->tenant_id;
    event.device_id = borrowed(presence->device->device_id);
    event.protocol = borrowed(presence->protocol);
    event.kind = borrowed(presence->kind);
    event.at = clock_now_us();
    event.reason = is_end ? borrowed(presence->reason) : NULL;
    event.peer = borrowed(presence->peer);
    event.connection_id = is_seen ? NULL : connection_id;
    event.has_last_reading_at = !is_end && presence->last_reading_at != 0;
    event.last_reading_at = presence->last_reading_at;
    event_outlet_put(outlet, presence->device->tenant_id, "presence", &event.base);
}
