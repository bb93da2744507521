/* The pre-shared keys of devices, for net_tls_config.psk. */
#pragma once
#include "ingest/directory.h"

struct psk_door {
    struct directory *directory;
    unsigned wrong, unavailable; /* kinds of complaint: no such identity; it could not be asked */
};
/* context: the door, which outlives the listener. On the lobby's thread: it may ask the registry. 0: no key. */
size_t psk_door_key(void *context, const char *identity, unsigned char *key, size_t key_size);
