/* What devices are to do, in SQL. Whatever an ingest must hear of goes to the outbox in the same transaction. */
#pragma once
#include "nwims/v1/events.pb-c.h"
#include "work.h"

enum { COMMAND_MOST_OPEN = 32 };

/* Of the device that work->key names, whose row is locked. ERR_LIMIT when COMMAND_MOST_OPEN wait for it. */
MUST_CHECK bool command_store_create(struct work *work, const Nwims__V1__CreateCommandRequest *request,
    const char *protocol, Nwims__V1__Command *out_command, struct err *err);
/* Newest first. after: the last of the page before, NULL for the first page; one more than limit is read to see whether
 * there is a next page. */
struct command_page {
    int64_t limit;
    int64_t after_at;
    const char *after_id;
};
MUST_CHECK bool command_store_list(struct work *work, const char *device_id, const char *state,
    const struct command_page *page, Nwims__V1__ListCommandsReply *out_reply, bool *out_has_more, struct err *err);

/* What has not been received yet and may still be, oldest first; in a session that begun in the tenant. */
MUST_CHECK bool command_store_list_open(struct store_session *session, int32_t tenant_id, const char *device_id,
    struct arena *arena, Nwims__V1__ListCommandsReply *out_reply, struct err *err);
/* Tells the ingests again what these devices have not received though it was told before they were ready for it; in a
 * session that begun in the tenant. */
MUST_CHECK bool command_store_tell_again(struct store_session *session, int32_t tenant_id, const char **device_ids,
    const int64_t *ready_at, size_t count, struct err *err);
/* What ingests say became of commands, in the order given; of one tenant each transaction. Doing it twice is doing it
 * once. */
MUST_CHECK bool command_store_take_results(
    struct registry *registry, const Nwims__V1__CommandResult *const *results, size_t count, struct err *err);

/* Over all tenants: ends what is over its time, repeats what nobody has sent, forgets what was over long ago. Any
 * number of replicas at once. */
MUST_CHECK bool command_store_expire(struct registry *registry, size_t *out_count, struct err *err);
MUST_CHECK bool command_store_repeat(struct registry *registry, size_t *out_count, struct err *err);
MUST_CHECK bool command_store_purge(struct registry *registry, size_t *out_count, struct err *err);
