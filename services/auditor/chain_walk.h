/* Goes along a chain record by record and says what is not as it was written. Pure: who walks reads the records, sorted
 * by sequence. */
#pragma once
#include "chain.h"

enum finding_kind {
    FINDING_NONE,
    FINDING_CHANGED,  /* the content does not give the hash                              */
    FINDING_MISSING,  /* sequence to last_sequence are not there                         */
    FINDING_INSERTED, /* a second record at this place                                   */
    FINDING_UNLINKED, /* whole by itself, but it does not follow from the one before it  */
};
struct finding {
    enum finding_kind kind;
    int64_t sequence, last_sequence; /* the same unless several are missing */
    struct uuid id;                  /* not of a missing one */
};

struct chain_walk {
    int64_t sequence; /* of the record before; 0: none yet */
    struct uuid id;
    bool has_link;                    /* false: what is before is not known (it was removed) */
    unsigned char link[SHA256_SIZE];  /* what the next must name as its previous ...         */
    unsigned char other[SHA256_SIZE]; /* ... or this, if the hash of a record was changed    */
    /* Before the last step, for a second record at the same place. */
    bool was_good, had_link;
    unsigned char link_before[SHA256_SIZE];
    struct buffer scratch;
};

/* Begins at the start of the chain. */
void chain_walk_init(struct chain_walk *walk);
/* Begins behind a record. */
void chain_walk_resume(struct chain_walk *walk, int64_t sequence, const struct uuid *id,
    const unsigned char link[SHA256_SIZE], const unsigned char other[SHA256_SIZE]);
void chain_walk_done(struct chain_walk *walk);

/* The next record, whose sequence is not less than that of the one before: what is missing before it, and what is wrong
 * with it; FINDING_NONE where nothing is. False: the record is too large to be looked at. */
MUST_CHECK bool chain_walk_step(
    struct chain_walk *walk, const struct record *record, struct finding *out_missing, struct finding *out_wrong);
