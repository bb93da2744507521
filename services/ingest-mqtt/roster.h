/* Who is connected, over all loops: for taking sessions over, for revoking, for commands. Any thread. */
#pragma once
#include "net/net.h"

struct roster;
struct session;
enum { ROSTER_MOST_OF_DEVICE = 32 };
MUST_CHECK struct roster *roster_new(size_t most);
void roster_free(struct roster *roster);
/* An older session of the same device and client id comes back in out_old (number 0: none) and is out. False when the
 * device has too many connections, or without memory. */
MUST_CHECK bool roster_enter(struct roster *roster, struct session *session, struct net_handle *out_old);
/* False if it was out already. */
bool roster_leave(struct roster *roster, struct session *session);
/* Calls visit under the roster's lock, for the sessions of this device, of this credential, or for all (both NULL);
 * quick, it may post. */
typedef void roster_visit(void *context, const struct net_handle *handle);
void roster_each(
    struct roster *roster, const char *device_id, const char *credential_id, roster_visit *visit, void *context);
