/* What may go from a stream, without I/O. A cut is the first sequence that stays. */
#pragma once
#include "bus/bus.h"

/* The cut that brings the stream down to this share of max_bytes, taking its messages for equally large; the first
 * sequence when nothing needs to go. */
uint64_t bus_cut_for_room(const struct bus_stream_state *state, double keep_fill);
/* The later of the two cuts, but nothing that not everybody has read. */
uint64_t bus_cut(uint64_t by_age, uint64_t by_room, uint64_t read_by_all);
