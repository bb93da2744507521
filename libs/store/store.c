/* The pool: sessions are made when first needed, given out last in first out, and replaced when they broke. */
#include "store/store.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/text.h"
#include "store/store_internal.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct store *store_new(const struct store_config *config)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    condition_init(&store->returned);
    pthread_mutex_init(&store->lock, NULL);
    store->config = *config;
    store->url = strdup(config->url);
    store->name = strdup(config->name ? config->name : "nwims");
    const char *schema = config->schema ? config->schema : "";
    bool ok = text_copy(store->schema, sizeof store->schema, schema, strlen(schema));
    if (!store->url || !store->name || !ok) {
        store_close(store);
        return NULL;
    }
    store->config.url = store->url;
    store->config.name = store->name;
    store->config.schema = store->schema;
    return store;
}

bool store_open(struct store **out_store, const struct store_config *config, struct err *err)
{
    store_metrics_start();
    if (!store_config_check(config, err))
        return false;
    AUTO(store) store = store_new(config);
    if (!store)
        return err_set(err, ERR_LIMIT, "no memory for the PostgreSQL pool");
    if (!store_ping(store, err))
        return false;
    *out_store = TAKE(store);
    return true;
}

static void session_free(struct store_session *session)
{
    store_session_disconnect(session);
    buffer_done(&session->scratch);
    free(session->statements);
    free(session);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    assert(store->busy_count == 0);
    while (store->free) {
        struct store_session *session = store->free;
        store->free = session->next;
        session_free(session);
    }
    pthread_cond_destroy(&store->returned);
    pthread_mutex_destroy(&store->lock);
    if (store->url) /* it holds the password */
        explicit_bzero(store->url, strlen(store->url));
    free(store->url);
    free(store->name);
    free(store);
}

bool store_ping(struct store *store, struct err *err)
{
    AUTO(store_session) session = NULL;
    return store_session_open(&session, store, err) && store_script(session, "SELECT 1", err);
}

static struct store_session *session_new(struct store *store)
{
    struct store_session *session = calloc(1, sizeof *session);
    struct statement *statements = calloc(STORE_MOST_STATEMENTS, sizeof *statements);
    if (!session || !statements) {
        free(session);
        free(statements);
        return NULL;
    }
    session->store = store;
    session->statements = statements;
    buffer_init(&session->scratch, 256u * 1024 * 1024);
    return session;
}

/* With the lock held. True when there is a free session or room for one more. */
static bool wait_for_place(struct store *store)
{
    int64_t end_us = clock_end_us(store->config.wait_ms);
    while (!store->free && store->session_count >= store->config.pool_size &&
           condition_wait_until(&store->returned, &store->lock, end_us))
        ;
    return store->free || store->session_count < store->config.pool_size;
}

/* A free session, or NULL and a place reserved for a new one. */
static bool take_place(struct store *store, struct store_session **out_session)
{
    int64_t begin_us = clock_monotonic_us();
    pthread_mutex_lock(&store->lock);
    bool ok = wait_for_place(store);
    if (ok) {
        *out_session = store->free;
        if (store->free)
            store->free = store->free->next;
        else
            store->session_count++;
        store_metrics_busy(++store->busy_count);
    }
    pthread_mutex_unlock(&store->lock);
    store_metrics_waited(clock_monotonic_us() - begin_us);
    return ok;
}

/* session NULL: the place was reserved and not filled. */
static void give_back(struct store *store, struct store_session *session)
{
    pthread_mutex_lock(&store->lock);
    if (session) {
        session->next = store->free;
        store->free = session;
    } else {
        store->session_count--;
    }
    store_metrics_busy(--store->busy_count);
    pthread_cond_signal(&store->returned);
    pthread_mutex_unlock(&store->lock);
}

bool store_session_open(struct store_session **out_session, struct store *store, struct err *err)
{
    struct store_session *session = NULL;
    if (!take_place(store, &session)) {
        store_metrics_exhausted();
        return err_set(
            err, ERR_LIMIT, "all %lld sessions of the PostgreSQL pool are busy", (long long)store->config.pool_size);
    }
    if (!session)
        session = session_new(store);
    if (!session) {
        give_back(store, NULL);
        return err_set(err, ERR_LIMIT, "no memory for a PostgreSQL session");
    }
    if (!store_session_revive(session, err)) {
        session_free(session);
        give_back(store, NULL);
        return false;
    }
    session->constraint[0] = '\0';
    *out_session = session;
    return true;
}

void store_session_close(struct store_session *session)
{
    if (!session)
        return;
    struct store *store = session->store;
    store_rollback(session);
    if (session->connection) {
        give_back(store, session);
        return;
    }
    session_free(session);
    give_back(store, NULL);
}
