/* Writes that are meant for one version of a thing only (HTTP's If-Match). A thing counts its versions; the gateway
 * makes its entity tag from the version and the body: "<version>.<hash>". Whoever sends the tag back means the version.
 * Compare in the transaction that has the row locked. No I/O, any thread. */
#pragma once
#include "rpc/rpc.h"

/* True if the caller names this version, any ("*"), or none at all; ERR_PRECONDITION says what it is now. Weak tags
 * never match (RFC 9110, 13.1.1). */
MUST_CHECK bool precondition_check(const struct rpc_caller *caller, int64_t version, struct err *err);
