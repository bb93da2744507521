/* Asks the owners what callers of a tenant will ask, and puts the answers where the gateways look, under their keys:
 * the same library makes JSON, ETag and key here and there. For callers whose permission is for the whole tenant. */
#pragma once
#include "cache/cache.h"
#include "pace.h"
#include "rpc/rpc.h"
#include "subject.h"

/* What all fills of the process share. One thread at a time. */
struct filler {
    struct bus *bus;
    struct cache *cache;
    struct pace pace;
    int64_t most, call_ms;
    /* Asked before each question; false ends the fill. */
    bool (*may_go_on)(void *context);
    void *context;
};
struct fill_result {
    int64_t keys, took_ms;
    bool is_complete;
    const char *reason; /* constant; when it is not complete */
};
/* deadline_us: monotonic. */
void fill_subject(struct filler *filler, int32_t tenant_id, enum warm_subject subject, int64_t deadline_us,
    struct fill_result *out_result);
