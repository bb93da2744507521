#include "bus/bus_retention_rule.h"
#include <math.h>

uint64_t bus_cut_for_room(const struct bus_stream_state *state, double keep_fill)
{
    double wanted = (double)state->max_bytes * keep_fill;
    if (state->max_bytes <= 0 || state->messages == 0 || (double)state->bytes <= wanted)
        return state->first_sequence;
    double share = 1 - wanted / (double)state->bytes;
    uint64_t span = state->last_sequence - state->first_sequence + 1;
    uint64_t surplus = (uint64_t)ceil(share * (double)span);
    return state->first_sequence + (surplus < span ? surplus : span);
}

uint64_t bus_cut(uint64_t by_age, uint64_t by_room, uint64_t read_by_all)
{
    uint64_t wanted = by_age > by_room ? by_age : by_room;
    return wanted < read_by_all + 1 ? wanted : read_by_all + 1;
}
