#include "track.h"
#include <stdlib.h>

void track_init(struct track *track, uint64_t committed, const struct sequence_gaps *gaps)
{
    *track = (struct track){ .capacity = TRACK_OWN, .received = committed, .settled = committed, .gaps = *gaps };
}

void track_done(struct track *track)
{
    free(track->grown);
    track->grown = NULL;
    track->capacity = TRACK_OWN;
    track->count = track->settled_count = track->first = 0;
}

static struct track_frame *at(const struct track *track, uint32_t index)
{
    const struct track_frame *frames = track->grown ? track->grown : track->own;
    return (struct track_frame *)(uintptr_t)&frames[(track->first + index) & (track->capacity - 1)];
}

bool track_reserve(struct track *track)
{
    if (track->count < track->capacity)
        return true;
    struct track_frame *grown = calloc(2 * (size_t)track->capacity, sizeof *grown);
    if (!grown)
        return false;
    for (uint32_t i = 0; i < track->count; i++)
        grown[i] = *at(track, i);
    free(track->grown);
    track->grown = grown;
    track->capacity *= 2;
    track->first = 0;
    return true;
}

/* What settling this frame, when all before it are, changes. */
static void count_in(struct sequence_gaps *gaps, uint64_t *high, const struct track_frame *frame)
{
    if (frame->first > *high + 1)
        sequence_gaps_open(gaps, *high + 1, frame->first - 1);
    sequence_gaps_close(gaps, frame->first, frame->last);
    if (frame->last > *high)
        *high = frame->last;
}

/* What is under way is counted in as if it were settled: rarely asked, as records come in their order nearly always. */
bool track_may_lack(const struct track *track, uint64_t first, uint64_t last)
{
    if (last > track->received)
        return true;
    struct sequence_gaps gaps = track->gaps;
    uint64_t high = track->settled;
    for (uint32_t i = track->settled_count; i < track->count; i++)
        count_in(&gaps, &high, at(track, i));
    return sequence_gaps_may_lack(&gaps, first, last);
}

uint64_t track_put(struct track *track, uint64_t first, uint64_t last)
{
    *at(track, track->count++) = (struct track_frame){ .first = first, .last = last, .before = track->received };
    if (last > track->received)
        track->received = last;
    return track->first_number + track->count - 1;
}

bool track_take_back(struct track *track, uint64_t number)
{
    if (track->count == 0 || number != track->first_number + track->count - 1 ||
        at(track, track->count - 1)->is_settled)
        return false;
    track->received = at(track, --track->count)->before;
    return true;
}

bool track_settle(struct track *track, uint64_t number)
{
    uint32_t before = track->settled_count;
    if (number < track->first_number || number - track->first_number >= track->count)
        return false;
    at(track, (uint32_t)(number - track->first_number))->is_settled = true;
    while (track->settled_count < track->count && at(track, track->settled_count)->is_settled)
        count_in(&track->gaps, &track->settled, at(track, track->settled_count++));
    return track->settled_count != before;
}

uint64_t track_settled_before(const struct track *track)
{
    return track->first_number + track->settled_count;
}

void track_forget(struct track *track, uint64_t number)
{
    while (track->settled_count > 0 && track->first_number < number) {
        track->first = (track->first + 1) & (track->capacity - 1);
        track->first_number++;
        track->count--;
        track->settled_count--;
    }
    if (track->count == 0) /* an idle device holds nothing */
        track_done(track);
}

uint32_t track_open(const struct track *track)
{
    return track->count - track->settled_count;
}
