/* Goes along the signed heads of a chain, the oldest first, and says what is not as it was signed. Pure. */
#pragma once
#include "head_store.h"

enum head_finding {
    HEAD_GOOD,
    HEAD_CHANGED,   /* it is not what was signed, or not by us                        */
    HEAD_UNLINKED,  /* it does not follow from the one before: one was removed        */
    HEAD_DIFFERS,   /* the chain has another record at its place                      */
    HEAD_NO_RECORD, /* the chain has no record at its place: removed, or cut          */
};

struct head_walk {
    bool has_before;
    unsigned char before[SHA256_SIZE]; /* digest of the head before */
};

/* is_signed: what key_store_verify says. A walk that begins as { 0 } knows nothing of what was before; first of the
 * chain: has_before with zeroes. */
enum head_finding head_walk_step(struct head_walk *walk, const struct stored_head *head, bool is_signed);
