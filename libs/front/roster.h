/* Who is connected, over all loops: for taking connections over, for revoking, for commands. Any thread. */
#pragma once
#include "ingest/directory.h"
#include "net/net.h"

struct roster;
/* Embedded in a connection's state; what it points to does not change while it is in the roster. */
struct roster_entry {
    struct roster_entry *next_of_device; /* the roster's, as is is_in */
    bool is_in;
    struct net_handle handle;
    const struct directory_device *device;
    const char *name; /* connections of one device with the same name replace each other */
};
enum { ROSTER_MOST_OF_DEVICE = 32 };
MUST_CHECK struct roster *roster_new(size_t most);
void roster_free(struct roster *roster);
/* An older connection of the same device and name comes back in out_old (number 0: none) and is out. False when the
 * device has too many connections, or without memory. */
MUST_CHECK bool roster_enter(struct roster *roster, struct roster_entry *entry, struct net_handle *out_old);
/* False if it was out already. */
bool roster_leave(struct roster *roster, struct roster_entry *entry);
/* Calls visit under the roster's lock, for the connections of this device, of this credential, or for all (both NULL);
 * quick, it may post. */
typedef void roster_visit(void *context, const struct net_handle *handle);
void roster_each(
    struct roster *roster, const char *device_id, const char *credential_id, roster_visit *visit, void *context);
