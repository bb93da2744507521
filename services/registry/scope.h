/* For which part of a tenant a caller's permission was given: some regions and municipalities, or all. Does no I/O. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

struct scope {
    bool is_whole; /* the whole tenant */
    const char **regions;
    size_t region_count;
    const char **municipalities;
    size_t municipality_count;
};

/* text: of struct rpc_caller. What is none of ours is ERR_DENIED: a permission that cannot be read is none. */
MUST_CHECK bool scope_read(struct scope *out_scope, const char *text, struct arena *arena, struct err *err);
/* Whether the region itself, and with it all that counts to it, was given. */
bool scope_has_region(const struct scope *scope, const char *region_id);
