/* What the processes are doing, as the runner last wrote it into <folder>/run/status for whoever asks. */
#pragma once
#include "base/err.h"
#include <stdio.h>

/* One line of the file. */
struct view_row {
    char name[32];
    char state[16];
    int pid; /* 0: none */
    int restarts;
    int64_t since_us;
};

/* Replaces the file in one step. A disk that is full is no reason to stop: failures are not reported. */
void view_write(const char *folder, const struct view_row *rows, size_t count);
/* out_healthy: whether every row is ready or done. ERR_NOT_FOUND without the file. */
MUST_CHECK bool view_print(const char *folder, FILE *out, bool *out_healthy, struct err *err);
