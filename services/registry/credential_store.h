/* Credentials of devices in SQL, within the session's transaction. Of tokens only the SHA-256 is kept, keys are
 * wrapped.
 */
#pragma once
#include "credential.h"
#include "entity_store.h"

/* In order of making. */
MUST_CHECK bool credential_store_list(
    struct work *work, const char *device_id, Nwims__V1__ListCredentialsReply *out_reply, struct err *err);
/* Live ones of the kind, of the device, whose row must be locked; those that have expired are removed. */
MUST_CHECK bool credential_store_count(
    struct work *work, const char *device_id, const char *kind, int64_t *out_count, struct err *err);
/* ERR_CONFLICT if its name is another device's, or this one's already. ERR_CONFIG without a master key for a kind whose
 * key is kept. */
MUST_CHECK bool credential_store_create(struct work *work, const char *device_id, const struct credential *credential,
    const Nwims__V1__CreateCredentialRequest *request, Nwims__V1__Credential *out_credential, struct err *err);
/* Removes one (credential_id) or all (NULL) of a device, and tells of each. */
MUST_CHECK bool credential_store_delete(
    struct work *work, const char *device_id, const char *credential_id, size_t *out_count, struct err *err);
