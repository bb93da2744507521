/* A CSV file, plain or gzip, cut into pieces that POST /batch/readings takes: each has the header and whole rows. One
 * thread. */
#pragma once
#include "base/buffer.h"
#include "base/err.h"

struct piece {
    size_t number;      /* from 0, in this run */
    int64_t end_offset; /* in the plain text: where the next piece begins */
    int64_t first_line; /* of its first row, from 1 */
    int64_t readings;   /* most that it can hold: rows times columns of values */
    struct buffer body;
};
void piece_free(struct piece *piece);
AUTO_DEFINE(piece, piece_free)

struct source;
struct source_config {
    const char *path;
    int64_t readings; /* most in a piece */
    int64_t
        offset; /* in the plain text, where to begin: 0, or an end_offset of an earlier run; lines before are counted */
};
/* ERR_CONFIG if there is no such file or it cannot be read as CSV. */
MUST_CHECK bool source_open(struct source **out_source, const struct source_config *config, struct err *err);
void source_close(struct source *source);
AUTO_DEFINE(source, source_close)
/* NULL at the end of the file. Caller frees. ERR_INPUT for a row longer than 1 MiB (a quote that does not end). */
MUST_CHECK bool source_next(struct source *source, struct piece **out_piece, struct err *err);
/* How much of the file on disk has been read, from 0 to 1. */
double source_share(const struct source *source);
/* Tells this file from another or a changed one: size, time of change, header. */
const char *source_identity(const struct source *source);
bool source_is_wide(const struct source *source);
