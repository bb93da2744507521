#include "token_issue.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "metrics/metrics.h"
#include <stdio.h>
#include <string.h>

#define REFRESH_PREFIX "nwr_"
static const int64_t ms_us = 1000;

void token_count(const char *outcome)
{
    char labels[64];
    snprintf(labels, sizeof labels, "outcome=\"%s\"", outcome);
    metric_add(metrics_counter("nwims_identity_sessions_total", labels, "Logins and refreshes, by outcome."), 1);
}

struct refresh_family token_new_family(const struct user_account *account)
{
    struct uuid id = uuid_new();
    struct refresh_family family = { .tenant_id = account->tenant_id };
    uuid_format(family.id, &id);
    memcpy(family.user_id, account->id, sizeof family.user_id);
    return family;
}

static void make_claims(struct access_claims *claims, const struct identity *identity,
    const struct refresh_family *family, const struct user_account *account)
{
    struct uuid id = uuid_new();
    *claims = (struct access_claims){ .tenant_id = account->tenant_id,
        .subject_epoch = account->epoch,
        .tenant_epoch = account->tenant_epoch,
        .issued_at = clock_now_us() };
    claims->expires_at = claims->issued_at + identity->config->access_token_ms * ms_us;
    uuid_format(claims->token_id, &id);
    memcpy(claims->subject, account->id, sizeof account->id);
    memcpy(claims->session_id, family->id, sizeof family->id);
    memcpy(claims->roles, account->roles, sizeof account->roles);
    memcpy(claims->permissions, account->grants.permissions, sizeof claims->permissions);
    memcpy(claims->grants, account->grants.scoped, sizeof claims->grants);
}

bool token_issue(struct identity *identity, struct store_session *session, const struct refresh_family *family,
    const struct user_account *account, const unsigned char *parent, struct arena *arena,
    Nwims__V1__TokenReply *out_reply, struct err *err)
{
    struct access_claims claims;
    unsigned char hash[SHA256_SIZE];
    char refresh_token[AUTH_SECRET_TEXT_SIZE];
    AUTO_INPLACE(buffer) token = { .ceiling_bytes = ACCESS_TOKEN_LONGEST + 1 };
    auth_secret_new(refresh_token, REFRESH_PREFIX);
    auth_sha256(hash, refresh_token, strlen(refresh_token));
    make_claims(&claims, identity, family, account);
    if (!key_store_sign(identity->keys, &token, &claims, err) ||
        !session_put_token(session, hash, parent, family, identity->config->refresh_token_ms, err))
        return false;
    out_reply->access_token = arena_text(arena, token.data);
    out_reply->refresh_token = arena_text(arena, refresh_token);
    out_reply->token_type = arena_text(arena, "Bearer");
    out_reply->has_expires_in = true;
    out_reply->expires_in = identity->config->access_token_ms / 1000;
    return (out_reply->access_token && out_reply->refresh_token && out_reply->token_type) || identity_is_full(err);
}
