/* Gives a person an access token and a refresh token. */
#pragma once
#include "identity.h"
#include "session_store.h"
#include "user_account.h"

/* Within the session's transaction, in the family's tenant: account is what the transaction has read, so that whoever
 * changes it meanwhile also ends what is issued here. parent: the refresh token used, NULL at a login. */
MUST_CHECK bool token_issue(struct identity *identity, struct store_session *session,
    const struct refresh_family *family, const struct user_account *account, const unsigned char *parent,
    struct arena *arena, Nwims__V1__TokenReply *out_reply, struct err *err);
/* A new family of the account's. */
MUST_CHECK struct refresh_family token_new_family(const struct user_account *account);
/* Counts a login or refresh: "login", "refused" ... */
void token_count(const char *outcome);
