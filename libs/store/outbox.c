#include "store/outbox.h"
#include "base/text.h"
#include "base/uuid.h"
#include "store/store_timer.h"
#include <stdlib.h>

/* Messages of one transaction of the relay: enough to make the two statements cheap, few enough to hold. */
enum { BATCH = 200, PAYLOAD_CEILING = 32 * 1024 * 1024 };

bool outbox_put(struct store_session *session, const char *subject, const void *payload, size_t size,
    const char *traceparent, struct err *err)
{
    char message_id[UUID_TEXT_SIZE];
    struct uuid id = uuid_new();
    uuid_format(message_id, &id);
    return store_run(session, "INSERT INTO outbox (message_id, subject, payload, traceparent) VALUES ($1, $2, $3, $4)",
        PARAMS(PARAM_TEXT(message_id), PARAM_TEXT(subject), PARAM_BYTES(payload, size), PARAM_TEXT(traceparent)), NULL,
        err);
}

/* Bytes go as hexadecimal texts: there are no arrays of bytes among the parameters. */
bool outbox_put_all(struct store_session *session, const char *subject, const struct outbox_payload *payloads,
    size_t count, const char *traceparent, struct arena *arena, struct err *err)
{
    const char **ids = arena_alloc_array(arena, count + 1, sizeof *ids);
    const char **texts = arena_alloc_array(arena, count + 1, sizeof *texts);
    for (size_t i = 0; ids && texts && i < count; i++) {
        struct uuid id = uuid_new();
        char *id_text = arena_alloc(arena, UUID_TEXT_SIZE), *text = arena_alloc(arena, 2 * payloads[i].size + 1);
        if (!id_text || !text)
            return err_set(err, ERR_LIMIT, "no memory left for what is to be told");
        uuid_format(id_text, &id);
        text_hex(text, payloads[i].bytes, payloads[i].size);
        ids[i] = id_text;
        texts[i] = text;
    }
    if (!ids || !texts)
        return err_set(err, ERR_LIMIT, "no memory left for what is to be told");
    return store_run(session,
        "INSERT INTO outbox (message_id, subject, payload, traceparent) SELECT u.id::uuid, $1::text, decode(u.payload, "
        "'hex'), $2::text FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS u(id, payload, place) ORDER BY "
        "u.place",
        PARAMS(PARAM_TEXT(subject), PARAM_TEXT(traceparent), PARAM_TEXTS(ids, count), PARAM_TEXTS(texts, count)), NULL,
        err);
}

struct relay {
    struct store_session *session;
    outbox_publish *publish;
    void *context;
    struct arena arena;
    int64_t ids[BATCH]; /* published in this transaction */
    size_t count;
};

static bool take_turn(struct relay *relay, bool *out_mine, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(relay->session, &result,
            "SELECT pg_try_advisory_xact_lock(hashtextextended('outbox:' || current_schema(), 0))", NO_PARAMS, err))
        return false;
    *out_mine = store_result_bool(result, 0, 0);
    return true;
}

static bool publish_row(struct relay *relay, const struct store_result *rows, size_t row, struct err *err)
{
    unsigned char *payload;
    size_t size;
    arena_reset(&relay->arena);
    if (!store_result_bytes(rows, row, 2, &relay->arena, &payload, &size))
        return err_set(err, ERR_LIMIT, "a message of the outbox is too large");
    if (!relay->publish(relay->context, store_result_text(rows, row, 1), payload, size, store_result_text(rows, row, 3),
            store_result_text(rows, row, 4), err))
        return false;
    relay->ids[relay->count++] = store_result_int(rows, row, 0);
    return true;
}

static bool delete_published(struct relay *relay, struct err *err)
{
    return relay->count == 0 || store_run(relay->session, "DELETE FROM outbox WHERE id = ANY($1)",
                                    PARAMS(PARAM_INT8S(relay->ids, relay->count)), NULL, err);
}

/* One transaction: what was published before a failure is deleted all the same. out_more: there may be more to do. */
static bool drain_batch(struct relay *relay, size_t most, bool *out_more, struct err *err)
{
    AUTO(store_result) rows = NULL;
    bool is_mine = false, ok = true;
    struct err failure = { 0 };
    relay->count = 0;
    *out_more = false;
    if (!take_turn(relay, &is_mine, err))
        return false;
    if (!is_mine)
        return true;
    if (!store_query(relay->session, &rows,
            "SELECT id, subject, payload, message_id, traceparent FROM outbox ORDER BY id LIMIT $1::int8",
            PARAMS(PARAM_INT((int64_t)most)), err))
        return false;
    for (size_t row = 0; row < store_result_rows(rows) && ok; row++)
        ok = publish_row(relay, rows, row, &failure);
    if (!delete_published(relay, err) || !store_commit(relay->session, err)) {
        relay->count = 0; /* they will be published again, with the same ids */
        return false;
    }
    if (!ok)
        *err = failure;
    *out_more = store_result_rows(rows) == most;
    return ok;
}

bool outbox_drain(
    struct store *store, size_t most, outbox_publish *publish, void *context, size_t *out_published, struct err *err)
{
    AUTO(store_session) session = NULL;
    struct relay relay = { .publish = publish, .context = context };
    size_t published = 0;
    bool more = true, ok = store_session_open(&session, store, err);
    arena_init(&relay.arena, PAYLOAD_CEILING);
    relay.session = session;
    while (ok && more && published < most) {
        size_t step = most - published < BATCH ? most - published : BATCH;
        ok = store_begin(session, 0, err) && drain_batch(&relay, step, &more, err);
        store_rollback(session); /* where there was nothing to commit */
        published += relay.count;
    }
    arena_done(&relay.arena);
    *out_published = published;
    return ok;
}
