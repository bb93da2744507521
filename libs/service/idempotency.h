/* A write that carries an idempotency key is done once, however often it is sent: what was answered is kept beside the
 * rows, in their transaction, and given again for 24 hours. A key belongs to whoever sent it (tenant and actor). Each
 * schema has the table
 *   idempotency (tenant_id integer not null, actor text not null, key text not null, method text not null,
 *                request_hash bytea not null, reply bytea, created_at timestamptz not null default now(),
 *                primary key (tenant_id, actor, key)),
 * an index on (tenant_id, created_at), row-level security, and the rights to select, insert, update and delete. Any
 * thread. */
#pragma once
#include "rpc/rpc.h"
#include "store/store.h"

/* First in the transaction, behind the checks of who may. True: go on, the key (if there is one) is ours until the end
 * of the transaction; a second call with it waits here for our commit. Else the call is over: answered as it was the
 * first time (rpc_answered); ERR_INPUT naming Idempotency-Key if that was for another request; ERR_CONFLICT if the
 * answer held a secret. */
MUST_CHECK bool idempotency_begin(struct store_session *session, struct rpc_call *call, struct err *err);
/* The same for requests that may hold something guessable, like a password: the caller hashes them with a key of its
 * own, so that neither they nor a plain hash get into the database. */
enum { IDEMPOTENCY_HASH_SIZE = 32 };
MUST_CHECK bool idempotency_begin_hashed(struct store_session *session, struct rpc_call *call,
    const unsigned char request_hash[IDEMPOTENCY_HASH_SIZE], struct err *err);
/* Last before the commit: keeps what stands in call->reply. Of an answer that has a secret (has_secret) nothing is kept
 * but that it was given. Removes some keys of the tenant that are too old. */
MUST_CHECK bool idempotency_keep(
    struct store_session *session, const struct rpc_call *call, bool has_secret, struct err *err);
