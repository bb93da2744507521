/* A message of the stream AUDIT as a record, checked. Pure. */
#pragma once
#include "base/arena.h"
#include "chain.h"

/* The texts live in the arena; sequence, recorded_at, previous and hash are left for the chain. ERR_INPUT if it can
 * never be stored: no AuditRecord, a field that is missing or too long, a tenant other than the subject's; ERR_LIMIT if
 * the arena is full. */
MUST_CHECK bool record_read(struct record *out_record, struct arena *arena, const char *subject, const void *data,
    size_t size, struct err *err);
/* When a record with this id can have been made at the earliest, microseconds since 1970: from a UUIDv7; 0 if it does
 * not say. */
int64_t record_id_time(const struct uuid *id);
