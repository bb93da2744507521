/* The words of a line of the stack table: split at blanks, "quoted words" kept whole, ${NAME} replaced. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* words gets at most most texts from the arena and a NULL behind them; a # begins a comment. ERR_CONFIG for an open
 * quote, an unknown
 * ${NAME} or too many words. */
MUST_CHECK bool stack_text_split(struct arena *arena, const char *line, size_t length, const char **words, size_t most,
    size_t *out_count, struct err *err);
/* Replaces each ${NAME} by our environment's NAME. */
MUST_CHECK bool stack_text_expand(
    struct arena *arena, const char *text, size_t length, const char **out_text, struct err *err);
/* The whole file, with a NUL behind it, at most 1 MiB. */
MUST_CHECK bool stack_text_read(struct arena *arena, const char *path, const char **out_text, struct err *err);
