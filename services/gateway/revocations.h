/* Which access tokens are dead before their time: what identity's table of revocations says, asked for every second and
 * whenever the bell events.*.revocation rings, and anew as a whole every minute and after the bus was away. Any thread.
 */
#pragma once
#include "auth/auth.h"
#include "bus/bus.h"

struct revocations;
/* on_news is called on a thread of its own when something new was revoked, after it counts here. */
MUST_CHECK bool revocations_open(struct revocations **out_revocations, struct bus *bus, void (*on_news)(void *context),
    void *context, struct err *err);
void revocations_close(struct revocations *revocations);
AUTO_DEFINE(revocations, revocations_close)
/* False until the table was read for the first time: until then nobody can be let in. */
MUST_CHECK bool revocations_are_known(struct revocations *revocations);
/* Whether the token is dead. */
MUST_CHECK bool revocations_forbid(struct revocations *revocations, const struct access_claims *claims);
