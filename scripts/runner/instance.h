/* One runner per folder: a lock that the kernel gives back however the runner ends. */
#pragma once
#include "base/err.h"
#include <sys/types.h>

struct instance;

/* ERR_CONFLICT if another runner holds the folder. */
MUST_CHECK bool instance_open(struct instance **out_instance, const char *folder, struct err *err);
/* After a fork: the process that stays puts its own id into the lock file. */
MUST_CHECK bool instance_sign(struct instance *instance, struct err *err);
void instance_close(struct instance *instance);
AUTO_DEFINE(instance, instance_close)
/* The id of the runner that holds the folder; 0 if none does. */
pid_t instance_holder(const char *folder);
