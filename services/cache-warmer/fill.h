/* Asks the owners what callers of a tenant will ask, and puts the answers where the gateways look, under their keys:
 * the same library makes JSON, ETag and key here and there. For callers whose permission is for the whole tenant. */
#pragma once
#include "cache/cache.h"
#include "pace.h"
#include "rpc/rpc.h"
#include "subject.h"

/* What one thread asks with. */
struct filler {
    struct bus *bus;
    struct cache *cache;
    struct pace *pace; /* shared by all fillers */
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
struct fill_limits {
    int64_t deadline_us;   /* monotonic */
    int64_t least_keep_ms; /* what is kept for less is not begun */
};
void fill_subject(struct filler *filler, int32_t tenant_id, enum warm_subject subject, const struct fill_limits *limits,
    struct fill_result *out_result);
/* The statistics of one sensor, as callers name it (by id or by code). */
void fill_statistics_of(struct filler *filler, int32_t tenant_id, const char *id, struct fill_result *out_result);
