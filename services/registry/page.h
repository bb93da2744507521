/* Pages of a list, sorted by code and then id: the cursor is where the page before ended. Does no I/O. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/uuid.h"

enum { CODE_SIZE = 65, PAGE_PRESET = 100, PAGE_LARGEST = 1000 };

struct page {
    char after_code[CODE_SIZE]; /* "" before the first */
    char after_id[UUID_TEXT_SIZE];
    int64_t limit;
};

/* cursor NULL or "": the first page. ERR_INPUT if it is none of ours. */
MUST_CHECK bool page_begin(struct page *page, const char *cursor, bool has_limit, int32_t limit, struct err *err);
/* The cursor behind this item; NULL when the arena is full. */
MUST_CHECK char *page_cursor(struct arena *arena, const char *id, const char *code);
