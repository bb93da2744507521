/* The transactional outbox: a message is written in the same transaction as the rows that it tells of, and published
 * afterwards, in order, at least once, with its id as the Nats-Msg-Id. Each schema has the table outbox (id bigint
 * generated always as identity primary key, message_id uuid not null, subject text not null, payload bytea not null,
 *           traceparent text, created_at timestamptz not null default now()) */
#pragma once
#include "store/store.h"

/* Within the session's transaction. subject and payload are copied. */
MUST_CHECK bool outbox_put(struct store_session *session, const char *subject, const void *payload, size_t size,
    const char *traceparent, struct err *err);

/* The same for many, of one subject, in their order, in one statement. */
struct outbox_payload {
    const void *bytes;
    size_t size;
};
MUST_CHECK bool outbox_put_all(struct store_session *session, const char *subject,
    const struct outbox_payload *payloads, size_t count, const char *traceparent, struct arena *arena, struct err *err);

/* Publishes up to most messages, oldest first, by calling publish for each, and deletes those it said true for; stops
 * at the first false. One replica at a time does it (advisory lock): another gets 0. */
typedef bool outbox_publish(void *context, const char *subject, const void *payload, size_t size,
    const char *message_id, const char *traceparent, struct err *err);
MUST_CHECK bool outbox_drain(
    struct store *store, size_t most, outbox_publish *publish, void *context, size_t *out_published, struct err *err);
