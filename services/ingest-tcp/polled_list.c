#include "polled_list.h"
#include "base/text.h"
#include "base/uuid.h"
#include "rpc/rpc.h"
#include <string.h>

enum { ASK_MS = 5000, PAGE = 200 };

bool polled_list_each(struct bus *bus, struct arena *arena,
    void (*visit)(void *context, const Nwims__V1__PolledDevice *device), void *context, struct err *err)
{
    char after[UUID_TEXT_SIZE] = "";
    for (size_t got = PAGE; got == PAGE;) {
        Nwims__V1__ListPolledDevicesRequest request = NWIMS__V1__LIST_POLLED_DEVICES_REQUEST__INIT;
        struct rpc_caller caller = { .actor = "ingest" };
        ProtobufCMessage *reply = NULL;
        trace_begin(&caller.trace, NULL);
        request.after = after[0] != '\0' ? after : NULL;
        request.has_limit = true;
        request.limit = PAGE;
        arena_reset(arena);
        if (!rpc_call(bus, &nwims__v1__registry__descriptor, "ListPolledDevices", &caller, &request.base, ASK_MS, arena,
                &reply, NULL, err))
            return err_wrap(err, "listing devices to ask");
        const Nwims__V1__ListPolledDevicesReply *page = (const Nwims__V1__ListPolledDevicesReply *)reply;
        got = page->n_items;
        for (size_t i = 0; i < got; i++) {
            const Nwims__V1__PolledDevice *device = page->items[i];
            if (!device->device_id || !device->configuration ||
                !text_copy(after, sizeof after, device->device_id, strlen(device->device_id)))
                return err_set(err, ERR_BUG, "the registry lists a device without its id or configuration");
            visit(context, device);
        }
    }
    return true;
}
