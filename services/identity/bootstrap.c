/* The first start: there is no default password, so somebody has to say one. */
#include "account.h"
#include "base/uuid.h"
#include "identity.h"
#include "password_rule.h"
#include "store/store_timer.h"
#include "user_store.h"

enum { ARENA_BYTES = 64 * 1024 };

static bool has_users(struct store_session *session, bool *out_has, struct err *err)
{
    AUTO(store_result) result = NULL;
    if (!store_query(session, &result, "SELECT has_users()", NO_PARAMS, err))
        return false;
    *out_has = store_result_bool(result, 0, 0);
    return true;
}

static bool check_settings(const struct identity_config *config, struct err *err)
{
    if (!*config->admin_password)
        return err_set(err, ERR_CONFIG,
            "there is no user yet: set ADMIN_PASSWORD (at least %d characters) to make the first national "
            "administrator %s",
            LEAST_PASSWORD, config->admin_email);
    const char *fault = password_rule_fault(config->admin_password, config->admin_email, NULL);
    if (fault)
        return err_set(err, ERR_CONFIG, "ADMIN_PASSWORD %s", fault);
    fault = account_email_fault(config->admin_email);
    return !fault || err_set(err, ERR_CONFIG, "ADMIN_EMAIL %s", fault);
}

static bool make_admin(struct store_session *session, const struct identity_config *config, struct err *err)
{
    struct uuid id = uuid_new();
    struct arena arena;
    char hash[PASSWORD_HASH_SIZE];
    Nwims__V1__User made = NWIMS__V1__USER__INIT;
    const struct assignments assignments = { .roles = { "national_admin" }, .role_count = 1 };
    struct new_user user = {
        .tenant_id = NATIONAL_TENANT, .email = config->admin_email, .password_hash = hash, .assignments = &assignments
    };
    uuid_format(user.id, &id);
    if (!password_hash(hash, config->admin_password, err))
        return false;
    arena_init(&arena, ARENA_BYTES);
    bool ok = user_store_create(session, &user, &arena, &made, err);
    arena_done(&arena);
    return ok;
}

/* Within the transaction that holds the lock, so that of several replicas one does it. */
static bool make_first(struct store_session *session, const struct identity_config *config, struct err *err)
{
    return check_settings(config, err) &&
           store_run(session,
               "INSERT INTO tenant (id, name, code, level) OVERRIDING SYSTEM VALUE VALUES ($1, 'National authority', "
               "'national', 'nation') ON CONFLICT DO NOTHING",
               PARAMS(PARAM_INT(NATIONAL_TENANT)), NULL, err) &&
           make_admin(session, config, err) && store_commit(session, err);
}

bool bootstrap(struct identity *identity, struct err *err)
{
    AUTO(store_session) session = NULL;
    bool has;
    if (!store_session_open(&session, identity->store, err) || !store_begin(session, NATIONAL_TENANT, err) ||
        !store_lock(session, "identity.bootstrap", err) || !has_users(session, &has, err))
        return false;
    if (has)
        return store_commit(session, err);
    if (!make_first(session, identity->config, err))
        return err_wrap(err, "first start");
    log_info(NULL, "identity.first_admin_made", LOG_COUNT("tenant_id", NATIONAL_TENANT));
    return true;
}
