/* What an ingest asks: which sensors are these names, and whose credential is this. */
#pragma once
#include "row.h"
#include "work.h"

/* Those of the ids (UUIDs) that are not in the tenant's table: region or municipality. */
MUST_CHECK bool resolve_store_unknown(struct store_session *session, int32_t tenant_id, const char *table,
    char *const *ids, size_t count, struct arena *arena, char ***out_unknown, size_t *out_count, struct err *err);
/* Codes or ids; names that are none are left out. */
MUST_CHECK bool resolve_store_sensors(struct store_session *session, int32_t tenant_id,
    const Nwims__V1__ResolveSensorsRequest *request, struct arena *arena, Nwims__V1__ResolveSensorsReply *out_reply,
    struct err *err);
/* Devices that are asked, of any tenant, by id after the one given; NULL: from the first. */
MUST_CHECK bool resolve_store_polled(struct store_session *session, const char *after, int32_t limit,
    struct arena *arena, Nwims__V1__ListPolledDevicesReply *out_reply, struct err *err);
/* Of any tenant; kind NULL: of any kind. With its key, if that is kept. ERR_NOT_FOUND also for one that has expired. */
MUST_CHECK bool resolve_store_credential(struct store_session *session, const struct registry *registry,
    const char *kind, const unsigned char verifier[32], struct arena *arena,
    Nwims__V1__ResolveCredentialReply *out_reply, struct err *err);
/* Of a device; nothing is filled if it has none, or is none. */
MUST_CHECK bool resolve_store_profile(struct store_session *session, int32_t tenant_id, const char *device_id,
    struct arena *arena, Nwims__V1__ResolvePayloadProfileReply *out_reply, struct err *err);
