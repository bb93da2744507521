/* Bounds a flood of records that are alike: of each kind (who, from where, what) the first ten a minute, of all kinds
 * together twenty a second (two hundred at once). The rest is counted, of each kind by itself as long as it has its
 * place. Used by one thread at a time. */
#pragma once
#include "base/compiler.h"

enum { AUDIT_SAMPLER_PLACES = 1024 };
struct audit_sampler {
    struct {
        uint64_t kind;
        int64_t since_us;
        int64_t taken;
        uint64_t suppressed; /* since it was last collected */
    } places[AUDIT_SAMPLER_PLACES];
    double tokens;
    int64_t filled_us;
    uint64_t unplaced; /* suppressed, of kinds that have lost their place */
};
void audit_sampler_init(struct audit_sampler *sampler, int64_t now_us);
/* Whether this one is to be recorded. kind: a hash; of two that meet in one place the later has it. out_place: where
 * its count is. now_us: monotonic. */
MUST_CHECK bool audit_sampler_take(struct audit_sampler *sampler, uint64_t kind, int64_t now_us, size_t *out_place);
/* How many of a place were not, since the last call. */
uint64_t audit_sampler_collect(struct audit_sampler *sampler, size_t place);
/* The same of all that have no place any more. */
uint64_t audit_sampler_collect_unplaced(struct audit_sampler *sampler);
