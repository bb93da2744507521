/* Once a minute: rotates signing keys when it is time and deletes what is over. A thread of its own. */
#pragma once
#include "key_store.h"

struct keeper;
MUST_CHECK bool keeper_start(struct keeper **out_keeper, struct key_store *keys, struct store *store, struct err *err);
/* A round at once: another replica has changed the keys. Any thread; NULL is fine. */
void keeper_wake(struct keeper *keeper);
void keeper_stop(struct keeper *keeper);
