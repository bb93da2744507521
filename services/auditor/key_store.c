#include "key_store.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"
#include "store/store_timer.h"
#include "wire/wire.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT_SIZE = 80, MOST_KEYS = 64, PEM_CEILING = 8192, ARENA_BYTES = 1024 * 1024 };

struct kept_key {
    char id[KEY_ID_SIZE];
    int64_t created_at;
    struct signing_key *key;
};

struct key_store {
    struct store *store;
    int64_t rotation_ms;
    unsigned char master[MASTER_KEY_SIZE];
    pthread_rwlock_t lock; /* guards what follows */
    struct kept_key kept[MOST_KEYS];
    size_t count; /* the newest last */
    size_t strangers;
};

static void wrap_context(char context[CONTEXT_SIZE], const char *key_id)
{
    snprintf(context, CONTEXT_SIZE, "audit-signing-key:%.40s", key_id);
}

/* The private text is gone from memory when it is no longer needed. */
static void buffer_wipe(struct buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    buffer_done(buffer);
}
#define AUTO_SECRET __attribute__((cleanup(buffer_wipe))) struct buffer

/* ---- the database --------------------------------------------------------------------------------------------------
 */
static bool insert_key(struct key_store *keys, struct store_session *session, struct err *err)
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
    log_info(NULL, "audit.signing_key_made", LOG_TEXT("kid", key_id));
    return store_run(session, "INSERT INTO signing_key (kid, private_key, x, y) VALUES ($1, $2, $3, $4)",
        PARAMS(PARAM_TEXT(key_id), PARAM_BYTES(wrapped.data, wrapped.size), PARAM_TEXT(x), PARAM_TEXT(y)), NULL, err);
}

static const struct kept_key *find(const struct key_store *keys, const char *key_id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->kept[i].id, key_id) == 0)
            return &keys->kept[i];
    return NULL;
}

static bool unwrap(const struct key_store *keys, const struct store_result *rows, size_t row, struct arena *arena,
    struct signing_key **out_key, struct err *err)
{
    char context[CONTEXT_SIZE];
    unsigned char *wrapped;
    size_t size;
    AUTO_SECRET pem = { .ceiling_bytes = PEM_CEILING };
    wrap_context(context, store_result_text(rows, row, 0));
    return store_result_bytes(rows, row, 1, arena, &wrapped, &size) &&
           secret_unwrap(&pem, keys->master, context, wrapped, size, err) &&
           signing_key_from_pem(out_key, pem.data, pem.size, err);
}

/* Keeps those that are new. */
static void keep_rows(struct key_store *keys, const struct store_result *rows, struct arena *arena)
{
    size_t strangers = 0;
    for (size_t row = 0; row < store_result_rows(rows) && keys->count < MOST_KEYS; row++) {
        struct kept_key *kept = &keys->kept[keys->count];
        const char *id = store_result_text(rows, row, 0);
        struct err err = { 0 };
        if (find(keys, id))
            continue;
        if (strlen(id) >= KEY_ID_SIZE || !unwrap(keys, rows, row, arena, &kept->key, &err)) {
            if (keys->strangers <= strangers++)
                log_error(NULL, "audit.key_is_not_ours", LOG_TEXT("kid", id), LOG_ERR(&err));
            continue;
        }
        snprintf(kept->id, sizeof kept->id, "%s", id);
        kept->created_at = store_result_time(rows, row, 2);
        keys->count++;
    }
    keys->strangers = strangers;
}

static bool load(struct key_store *keys, struct store_session *session, int64_t *out_now, struct err *err)
{
    AUTO_INPLACE(arena) arena;
    AUTO(store_result) rows = NULL;
    arena_init(&arena, ARENA_BYTES);
    if (!store_query(session, &rows, "SELECT kid, private_key, created_at, now() FROM signing_key ORDER BY created_at",
            NO_PARAMS, err))
        return false;
    *out_now = store_result_rows(rows) > 0 ? store_result_time(rows, 0, 3) : 0;
    pthread_rwlock_wrlock(&keys->lock);
    keep_rows(keys, rows, &arena);
    bool is_foreign = keys->count == 0 && store_result_rows(rows) > 0;
    pthread_rwlock_unlock(&keys->lock);
    return !is_foreign || err_set(err, ERR_CONFIG, "MASTER_KEY does not fit the signing keys in the database");
}

static bool is_due(struct key_store *keys, int64_t now)
{
    pthread_rwlock_rdlock(&keys->lock);
    bool due = keys->count == 0 || now - keys->kept[keys->count - 1].created_at > keys->rotation_ms * 1000;
    pthread_rwlock_unlock(&keys->lock);
    return due;
}

bool key_store_refresh(struct key_store *keys, struct err *err)
{
    AUTO(store_session) session = NULL;
    int64_t now;
    if (!store_session_open(&session, keys->store, err) || !store_begin(session, 0, err) ||
        !store_lock(session, "audit.signing_key", err) || !load(keys, session, &now, err))
        return false;
    if (is_due(keys, now) && (!insert_key(keys, session, err) || !load(keys, session, &now, err)))
        return false;
    return store_commit(session, err);
}

/* ---- life ----------------------------------------------------------------------------------------------------------
 */
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
    for (size_t i = 0; i < keys->count; i++)
        signing_key_free(keys->kept[i].key);
    pthread_rwlock_destroy(&keys->lock);
    explicit_bzero(keys->master, sizeof keys->master);
    free(keys);
}

/* ---- signing -------------------------------------------------------------------------------------------------------
 */
static bool sign(const struct kept_key *kept, struct buffer *out, const struct chain_head *head, struct err *err)
{
    unsigned char signature[ES256_SIGNATURE_SIZE];
    if (!head_write_input(out, head, kept->id))
        return err_set(err, ERR_LIMIT, "no room for a head");
    if (!signing_key_sign(kept->key, out->data, out->size, signature, err))
        return false;
    buffer_put_char(out, '.');
    return auth_base64url_encode(out, signature, sizeof signature) || err_set(err, ERR_LIMIT, "no room for a head");
}

bool key_store_sign(struct key_store *keys, struct buffer *out_jws, char key_id[KEY_ID_SIZE],
    const struct chain_head *head, struct err *err)
{
    pthread_rwlock_rdlock(&keys->lock);
    const struct kept_key *newest = &keys->kept[keys->count - 1];
    snprintf(key_id, KEY_ID_SIZE, "%s", newest->id);
    bool ok = sign(newest, out_jws, head, err);
    pthread_rwlock_unlock(&keys->lock);
    return ok;
}

/* Whether jws begins with what this head would be signed as, and what follows is the signature. */
static bool is_signed(const struct kept_key *kept, const struct chain_head *head, const char *jws)
{
    AUTO_INPLACE(buffer) input = { .ceiling_bytes = 4096 };
    AUTO_INPLACE(buffer) signature = { .ceiling_bytes = 128 };
    struct err err = { 0 };
    if (!head_write_input(&input, head, kept->id) || strncmp(jws, input.data, input.size) != 0 ||
        jws[input.size] != '.')
        return false;
    const char *text = jws + input.size + 1;
    return auth_base64url_decode(&signature, text, strlen(text), &err) && signature.size == ES256_SIGNATURE_SIZE &&
           signing_key_verify(kept->key, input.data, input.size, (const unsigned char *)signature.data);
}

bool key_store_verify(struct key_store *keys, const struct chain_head *head, const char *key_id, const char *jws)
{
    pthread_rwlock_rdlock(&keys->lock);
    const struct kept_key *kept = find(keys, key_id);
    bool ok = kept && is_signed(kept, head, jws);
    pthread_rwlock_unlock(&keys->lock);
    return ok;
}

static Nwims__V1__AuditKey *jwk_of(const struct kept_key *kept, struct arena *arena, struct err *err)
{
    char x[48], y[48];
    Nwims__V1__AuditKey *jwk = (Nwims__V1__AuditKey *)wire_new(arena, &nwims__v1__audit_key__descriptor);
    if (!jwk || !signing_key_public(kept->key, x, y, err))
        return NULL;
    jwk->kid = arena_text(arena, kept->id);
    jwk->x = arena_text(arena, x);
    jwk->y = arena_text(arena, y);
    jwk->kty = arena_text(arena, "EC");
    jwk->use = arena_text(arena, "sig");
    jwk->crv = arena_text(arena, "P-256");
    jwk->alg = arena_text(arena, "ES256");
    return jwk->kid && jwk->x && jwk->y && jwk->kty && jwk->use && jwk->crv && jwk->alg ? jwk : NULL;
}

bool key_store_list(struct key_store *keys, struct arena *arena, Nwims__V1__AuditKeys *out_keys, struct err *err)
{
    pthread_rwlock_rdlock(&keys->lock);
    size_t count = keys->count;
    out_keys->keys = arena_alloc_array(arena, count, sizeof(void *));
    bool ok = out_keys->keys != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        out_keys->keys[i] = jwk_of(&keys->kept[i], arena, err);
        ok = out_keys->keys[i] != NULL;
        out_keys->n_keys = i + 1;
    }
    pthread_rwlock_unlock(&keys->lock);
    return ok || err_set(err, ERR_LIMIT, "no memory left for the keys");
}
