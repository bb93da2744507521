/* The devices that are to be asked, as the registry lists them. */
#pragma once
#include "base/arena.h"
#include "bus/bus.h"
#include "nwims/v1/registry.pb-c.h"

/* Visits each, over all tenants; the arena is reset for each page. */
MUST_CHECK bool polled_list_each(struct bus *bus, struct arena *arena,
    void (*visit)(void *context, const Nwims__V1__PolledDevice *device), void *context, struct err *err);
