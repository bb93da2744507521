/* What a person sees of an import: one line that is drawn again on a terminal, a line every ten seconds elsewhere. */
#pragma once
#include "base/compiler.h"

struct progress {
    bool is_terminal;
    int64_t begun_us, drawn_us;
    double first_share; /* of the file, where this run began */
};
void progress_begin(struct progress *progress, double share);
/* Draws if it is time; share from 0 to 1. */
void progress_draw(struct progress *progress, double share, int64_t readings, int64_t retries);
void progress_end(struct progress *progress);
double progress_seconds(const struct progress *progress);
