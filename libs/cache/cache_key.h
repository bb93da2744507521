/* The name of an answer: everything that its content depends on. Two requests have the same key exactly when an owner
 * would answer them alike (the permission that a route needs has been checked before). */
#pragma once
#include "base/compiler.h"

enum { CACHE_KEY_SIZE = 1536, CACHE_MOST_PARAMETERS = 16 };

struct cache_key {
    char bytes[CACHE_KEY_SIZE];
    size_t size;
};

/* One pair of the query, decoded. */
struct cache_parameter {
    const char *name;
    const char *value;
};

/* What is asked for, by whom. */
struct cache_question {
    int32_t tenant_id; /* 0: the same for every tenant */
    const char *scope; /* of the caller; "" for the whole tenant */
    const char *path;  /* decoded, below /api/v1 */
    const struct cache_parameter *parameters;
    size_t parameter_count;
};

/* Parameters may come in any order; values of one that comes several times keep theirs. False if there are too many or
 * the key would be too long: then the answer is not cached. */
MUST_CHECK bool cache_key_make(struct cache_key *out_key, const struct cache_question *question);
