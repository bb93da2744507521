#include "ingest/sequence_state.h"

/* A record that is sent again, or late, is at most so far behind, if no time tells. */
enum { WINDOW = 1024 };

static void begin(struct sequence_state *state, const struct sequence_mark *mark)
{
    uint64_t epoch = state->is_known ? state->epoch + 1 : state->epoch;
    *state = (struct sequence_state){
        .is_known = true, .epoch = epoch, .high = mark->last, .high_at = mark->at, .has_high_at = mark->has_at
    };
}

static void rise(struct sequence_state *state, const struct sequence_mark *mark)
{
    state->high = mark->last;
    state->high_at = mark->at;
    state->has_high_at = mark->has_at;
}

/* Numbers that had come already come with a newer time: these are other records. Without times only a fall by more than
 * the window tells. */
static bool begins_anew(const struct sequence_state *state, const struct sequence_mark *mark)
{
    if (mark->last > state->high || sequence_gaps_has_open(&state->gaps, mark->first, mark->last))
        return false;
    if (mark->has_at && state->has_high_at)
        return mark->at > state->high_at;
    return !mark->has_at && state->high - mark->last > WINDOW;
}

bool sequence_state_take(struct sequence_state *state, const struct sequence_mark *mark)
{
    bool had_any = state->gaps.missed > 0;
    if (!state->is_known || begins_anew(state, mark)) {
        begin(state, mark);
        return had_any;
    }
    bool has_changed = sequence_gaps_close(&state->gaps, mark->first, mark->last);
    if (mark->first > state->high + 1) {
        sequence_gaps_open(&state->gaps, state->high + 1, mark->first - 1);
        has_changed = true;
    }
    if (mark->last > state->high)
        rise(state, mark);
    return has_changed;
}
