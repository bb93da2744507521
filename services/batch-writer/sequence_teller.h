/* A thread that takes the numbers of stored records in the order of the stream, as far as all before them is stored,
 * and tells what is missing of devices' own sequences, soon after it changed: events.<tenant>.gaps. Of several replicas
 * one takes at a time; each may tell the same, which says nothing new. */
#pragma once
#include "writer.h"

struct sequence_teller;
MUST_CHECK bool sequence_teller_start(
    struct sequence_teller **out_teller, struct writer_shared *shared, struct err *err);
/* Ends it. NULL is fine. */
void sequence_teller_stop(struct sequence_teller *teller);
