/* Follows what the ingests tell of devices: their presence, and what became of commands, what they could not
 * take; and lets time pass for commands. Threads of its own. */
#pragma once
#include "registry.h"

struct device_watch;
MUST_CHECK bool device_watch_start(struct device_watch **out_watch, struct registry *registry, struct err *err);
void device_watch_stop(struct device_watch *watch); /* NULL is fine */
