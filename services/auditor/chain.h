/* The chain of a tenant's records: what is hashed, byte for byte. Pure.
 *
 * hash = SHA-256 (FIPS 180-4) over these bytes, one after the other, numbers with the most significant byte first:
 *
 *   bytes  what
 *   32     the hash of the record before; zeroes for sequence 1
 *   13     "NWIMS audit 1", ASCII: the version of this layout
 *   4      tenant_id, 0 where none is known
 *   8      sequence, from 1
 *   8      recorded_at, microseconds since 1970-01-01T00:00:00Z
 *   8      happened_at, the same
 *   16     id (RFC 9562), as its bytes
 *   then for each of actor, action, entity, entity_id, outcome, peer, request_id, trace_id, detail, in this order:
 *   4      its length in bytes, ff ff ff ff if it is absent
 *   n      its UTF-8 bytes
 *
 * Test vector (tests/unit/services/auditor/chain_test.c): tenant 7, sequence 1, recorded_at 1767225600000000,
 * happened_at 1767225599000000, id 019b76da-a800-7000-8000-000000000001, actor "u-1", action "sensor.created", entity
 * "sensor", entity_id "s-1", outcome "ok", no peer, request_id "r-1", no trace_id, detail "{}" gives
 * e98c9f559813193065c2027510f368005becfb6b20fabe4bdfc66d6a2bf3eb96. */
#pragma once
#include "auth/auth.h"
#include "base/uuid.h"

enum record_text {
    RECORD_ACTOR,
    RECORD_ACTION,
    RECORD_ENTITY,
    RECORD_ENTITY_ID,
    RECORD_OUTCOME,
    RECORD_PEER,
    RECORD_REQUEST_ID,
    RECORD_TRACE_ID,
    RECORD_DETAIL,
    RECORD_TEXTS
};

/* One record in its chain. The texts are borrowed; NULL where there is none. */
struct record {
    int32_t tenant_id;
    int64_t sequence;
    int64_t recorded_at, happened_at; /* microseconds since 1970 */
    struct uuid id;
    const char *texts[RECORD_TEXTS];
    unsigned char previous[SHA256_SIZE], hash[SHA256_SIZE];
};

/* From everything in record but its hash. scratch is reused from call to call. False when it failed: too large. */
MUST_CHECK bool chain_hash(unsigned char hash[SHA256_SIZE], const struct record *record, struct buffer *scratch);
