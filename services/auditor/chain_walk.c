#include "chain_walk.h"
#include <string.h>

enum { SCRATCH_CEILING = 1024 * 1024 };

void chain_walk_init(struct chain_walk *walk)
{
    *walk = (struct chain_walk){ .has_link = true, .was_good = true, .had_link = true };
    buffer_init(&walk->scratch, SCRATCH_CEILING);
}

void chain_walk_resume(struct chain_walk *walk, int64_t sequence, const struct uuid *id,
    const unsigned char link[SHA256_SIZE], const unsigned char other[SHA256_SIZE])
{
    walk->sequence = sequence;
    walk->id = *id;
    walk->had_link = false; /* what was before that is forgotten */
    memcpy(walk->link, link, SHA256_SIZE);
    memcpy(walk->other, other, SHA256_SIZE);
}

void chain_walk_done(struct chain_walk *walk)
{
    buffer_done(&walk->scratch);
}

static bool same(const unsigned char left[SHA256_SIZE], const unsigned char right[SHA256_SIZE])
{
    return memcmp(left, right, SHA256_SIZE) == 0;
}

static void advance(
    struct chain_walk *walk, const struct record *record, const unsigned char computed[SHA256_SIZE], bool is_good)
{
    walk->sequence = record->sequence;
    walk->id = record->id;
    walk->has_link = true;
    walk->was_good = is_good;
    memcpy(walk->link, record->hash, SHA256_SIZE);
    memcpy(walk->other, computed, SHA256_SIZE);
}

/* Of two at one place the one that is whole and follows is ours. */
static struct finding settle_double(
    struct chain_walk *walk, const struct record *record, const unsigned char computed[SHA256_SIZE], bool is_whole)
{
    struct finding found = {
        .kind = FINDING_INSERTED, .sequence = record->sequence, .last_sequence = record->sequence, .id = record->id
    };
    bool is_ours = is_whole && (!walk->had_link || same(record->previous, walk->link_before));
    if (walk->was_good || !is_ours)
        return found;
    found.id = walk->id;
    advance(walk, record, computed, true);
    return found;
}

bool chain_walk_step(
    struct chain_walk *walk, const struct record *record, struct finding *out_missing, struct finding *out_wrong)
{
    unsigned char computed[SHA256_SIZE];
    *out_missing = *out_wrong = (struct finding){ 0 };
    if (!chain_hash(computed, record, &walk->scratch))
        return false;
    bool is_whole = same(computed, record->hash);
    if (walk->sequence > 0 && record->sequence == walk->sequence) {
        *out_wrong = settle_double(walk, record, computed, is_whole);
        return true;
    }
    if (record->sequence > walk->sequence + 1) {
        *out_missing = (struct finding){
            .kind = FINDING_MISSING, .sequence = walk->sequence + 1, .last_sequence = record->sequence - 1
        };
        walk->has_link = false;
    }
    bool follows = !walk->has_link || same(record->previous, walk->link) ||
                   (walk->sequence > 0 && same(record->previous, walk->other));
    if (!is_whole || !follows)
        *out_wrong = (struct finding){ .kind = is_whole ? FINDING_UNLINKED : FINDING_CHANGED,
            .sequence = record->sequence,
            .last_sequence = record->sequence,
            .id = record->id };
    walk->had_link = walk->has_link;
    memcpy(walk->link_before, walk->link, SHA256_SIZE);
    advance(walk, record, computed, is_whole && follows);
    return true;
}
