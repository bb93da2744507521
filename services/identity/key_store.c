#include "key_store.h"
#include "base/log.h"
#include "base/uuid.h"
#include "key_rotation.h"
#include "store/store_timer.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_ID_SIZE = UUID_TEXT_SIZE, CONTEXT_SIZE = 64, MOST_KEYS = 16, PEM_CEILING = 8192, ARENA_BYTES = 256 * 1024 };

struct key_store {
    struct store *store;
    int64_t rotation_ms;
    unsigned char master[MASTER_KEY_SIZE];
    pthread_rwlock_t lock; /* guards the two below */
    struct signing_key *active;
    char active_id[KEY_ID_SIZE];
};

static void wrap_context(char context[CONTEXT_SIZE], const char *key_id)
{
    snprintf(context, CONTEXT_SIZE, "signing-key:%.40s", key_id);
}

/* The private text is gone from memory when it is no longer needed. */
static void buffer_wipe(struct buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    buffer_done(buffer);
}
#define AUTO_SECRET __attribute__((cleanup(buffer_wipe))) struct buffer

static bool insert_key(struct key_store *keys, struct store_session *session, const char *state, struct err *err)
{
    struct uuid id = uuid_new();
    char key_id[KEY_ID_SIZE], context[CONTEXT_SIZE], x[48], y[48];
    AUTO(signing_key) key = NULL;
    AUTO_SECRET pem = { .ceiling_bytes = PEM_CEILING };
    AUTO_INPLACE(buffer) wrapped = { .ceiling_bytes = PEM_CEILING };
    uuid_format(key_id, &id);
    wrap_context(context, key_id);
    if (!signing_key_new(&key, err) || !signing_key_to_pem(key, &pem, err) || !signing_key_public(key, x, y, err) ||
        !secret_wrap(&wrapped, keys->master, context, pem.data, pem.size, err))
        return false;
    log_info(NULL, "signing_key.made", LOG_TEXT("kid", key_id), LOG_TEXT("state", state));
    return store_run(session,
        "INSERT INTO signing_key (kid, private_key, x, y, state, activated_at) "
        "VALUES ($1, $2, $3, $4, $5, CASE WHEN $5 = 'active' THEN now() END)",
        PARAMS(PARAM_TEXT(key_id), PARAM_BYTES(wrapped.data, wrapped.size), PARAM_TEXT(x), PARAM_TEXT(y),
            PARAM_TEXT(state)),
        NULL, err);
}

static bool promote(struct store_session *session, struct err *err)
{
    log_info(NULL, "signing_key.rotated");
    return store_run(session, "UPDATE signing_key SET state = 'old', retired_at = now() WHERE state = 'active'",
               NO_PARAMS, NULL, err) &&
           store_run(session, "UPDATE signing_key SET state = 'active', activated_at = now() WHERE state = 'next'",
               NO_PARAMS, NULL, err);
}

static bool rotate(struct key_store *keys, struct store_session *session, struct err *err)
{
    AUTO(store_result) ages = NULL;
    if (!store_query(session, &ages,
            "SELECT coalesce(max(extract(epoch FROM now() - activated_at) * 1000) FILTER (WHERE state = 'active'), "
            "-1)::int8, "
            "coalesce(max(extract(epoch FROM now() - created_at) * 1000) FILTER (WHERE state = 'next'), -1)::int8 FROM "
            "signing_key",
            NO_PARAMS, err))
        return false;
    switch (key_rotation_step(store_result_int(ages, 0, 0), store_result_int(ages, 0, 1), keys->rotation_ms)) {
    case KEY_STEP_MAKE_ACTIVE:
        return insert_key(keys, session, "active", err);
    case KEY_STEP_MAKE_NEXT:
        return insert_key(keys, session, "next", err);
    case KEY_STEP_PROMOTE:
        return promote(session, err);
    case KEY_STEP_NONE:
        break;
    }
    return true;
}

static bool is_active(struct key_store *keys, const char *key_id)
{
    pthread_rwlock_rdlock(&keys->lock);
    bool same = strcmp(keys->active_id, key_id) == 0;
    pthread_rwlock_unlock(&keys->lock);
    return same;
}

static void take_over(struct key_store *keys, const char *key_id, struct signing_key *key)
{
    pthread_rwlock_wrlock(&keys->lock);
    signing_key_free(keys->active);
    keys->active = key;
    snprintf(keys->active_id, sizeof keys->active_id, "%s", key_id);
    pthread_rwlock_unlock(&keys->lock);
}

static bool load_row(struct key_store *keys, const struct store_result *row, struct arena *arena, struct err *err)
{
    char context[CONTEXT_SIZE];
    unsigned char *wrapped;
    size_t size;
    struct signing_key *key = NULL;
    AUTO_SECRET pem = { .ceiling_bytes = PEM_CEILING };
    const char *key_id = store_result_text(row, 0, 0);
    wrap_context(context, key_id);
    if (!store_result_bytes(row, 0, 1, arena, &wrapped, &size))
        return err_set(err, ERR_BUG, "the signing key %s has no private half", key_id);
    if (!secret_unwrap(&pem, keys->master, context, wrapped, size, err))
        return err_wrap(err, "MASTER_KEY does not fit the signing keys in the database");
    if (!signing_key_from_pem(&key, pem.data, pem.size, err))
        return false;
    take_over(keys, key_id, TAKE(key));
    return true;
}

static bool load_active(struct key_store *keys, struct store_session *session, struct err *err)
{
    struct arena arena;
    AUTO(store_result) row = NULL;
    if (!store_query(session, &row, "SELECT kid, private_key FROM signing_key WHERE state = 'active'", NO_PARAMS, err))
        return false;
    if (store_result_rows(row) != 1)
        return err_set(err, ERR_BUG, "there is no active signing key");
    if (is_active(keys, store_result_text(row, 0, 0)))
        return true;
    arena_init(&arena, ARENA_BYTES);
    bool ok = load_row(keys, row, &arena, err);
    arena_done(&arena);
    return ok;
}

bool key_store_refresh(struct key_store *keys, struct err *err)
{
    AUTO(store_session) session = NULL;
    return store_session_open(&session, keys->store, err) && store_begin(session, 0, err) &&
           store_lock(session, "identity.signing_key", err) && rotate(keys, session, err) &&
           load_active(keys, session, err) && store_commit(session, err);
}

bool key_store_rotate_now(struct key_store *keys, struct store_session *session, bool is_emergency, struct err *err)
{
    if (!store_lock(session, "identity.signing_key", err))
        return false;
    if (is_emergency) {
        log_warn(NULL, "signing_key.emergency");
        return store_run(session, "DELETE FROM signing_key", NO_PARAMS, NULL, err) &&
               insert_key(keys, session, "active", err);
    }
    return store_run(session,
               "UPDATE signing_key SET activated_at = now() - $1::int8 * interval '1 millisecond' WHERE state = "
               "'active'",
               PARAMS(PARAM_INT(keys->rotation_ms)), NULL, err) &&
           rotate(keys, session, err);
}

bool key_store_open(
    struct key_store **out_keys, struct store *store, const char *master_key, int64_t rotation_ms, struct err *err)
{
    AUTO(key_store) keys = calloc(1, sizeof *keys);
    if (!keys)
        return err_set(err, ERR_LIMIT, "no memory for the signing keys");
    pthread_rwlock_init(&keys->lock, NULL);
    keys->store = store;
    keys->rotation_ms = rotation_ms;
    if (!master_key_parse(keys->master, master_key, err) || !key_store_refresh(keys, err))
        return false;
    *out_keys = TAKE(keys);
    return true;
}

void key_store_close(struct key_store *keys)
{
    if (!keys)
        return;
    signing_key_free(keys->active);
    pthread_rwlock_destroy(&keys->lock);
    explicit_bzero(keys->master, sizeof keys->master);
    free(keys);
}

bool key_store_sign(struct key_store *keys, struct buffer *out, const struct access_claims *claims, struct err *err)
{
    pthread_rwlock_rdlock(&keys->lock);
    bool ok = access_token_sign(out, keys->active, keys->active_id, claims, err);
    pthread_rwlock_unlock(&keys->lock);
    return ok;
}

static Nwims__V1__Jwk *jwk_of(const struct store_result *rows, size_t row, struct arena *arena)
{
    ProtobufCMessage *made = wire_new(arena, &nwims__v1__jwk__descriptor);
    Nwims__V1__Jwk *jwk = (Nwims__V1__Jwk *)made;
    if (!jwk)
        return NULL;
    jwk->kid = store_result_copy(rows, row, 0, arena);
    jwk->x = store_result_copy(rows, row, 1, arena);
    jwk->y = store_result_copy(rows, row, 2, arena);
    jwk->kty = arena_text(arena, "EC");
    jwk->use = arena_text(arena, "sig");
    jwk->crv = arena_text(arena, "P-256");
    jwk->alg = arena_text(arena, "ES256");
    return jwk->alg && jwk->kid && jwk->x && jwk->y ? jwk : NULL;
}

bool key_store_list(struct key_store *keys, struct arena *arena, Nwims__V1__Jwks *out_jwks, struct err *err)
{
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    if (!store_session_open(&session, keys->store, err) ||
        !store_query(session, &rows, "SELECT kid, x, y FROM signing_key ORDER BY created_at DESC LIMIT $1::int8",
            PARAMS(PARAM_INT(MOST_KEYS)), err))
        return false;
    size_t count = store_result_rows(rows);
    out_jwks->keys = arena_alloc_array(arena, count, sizeof(void *));
    if (count && !out_jwks->keys)
        return err_set(err, ERR_LIMIT, "no memory left for the keys");
    for (size_t row = 0; row < count; row++) {
        out_jwks->keys[row] = jwk_of(rows, row, arena);
        if (!out_jwks->keys[row])
            return err_set(err, ERR_LIMIT, "no memory left for the keys");
        out_jwks->n_keys = row + 1;
    }
    return true;
}
