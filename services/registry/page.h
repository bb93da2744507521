/* Pages of a list in the order of a key and then of the id: the cursor is where the page before ended, so that the
 * ten-thousandth page costs what the first does. Does no I/O. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/uuid.h"

enum { PAGE_PRESET = 100, PAGE_LARGEST = 1000, PAGE_KEY_SIZE = 256 };
#define PAGE_SORTS "code|-code|name|-name|created_at|-created_at"

enum page_key { PAGE_BY_CODE, PAGE_BY_NAME, PAGE_BY_AGE };
struct page {
    enum page_key key;
    bool is_descending;
    bool has_after; /* false: the first page */
    char after_key[PAGE_KEY_SIZE];
    char after_id[UUID_TEXT_SIZE];
    int64_t limit;
};

/* One of PAGE_SORTS; NULL: by code. ERR_INPUT. */
MUST_CHECK bool page_sort(struct page *page, const char *sort, struct err *err);
/* After page_sort. cursor NULL or "": the first page. ERR_INPUT if it is none of ours, or of another sort. */
MUST_CHECK bool page_begin(struct page *page, const char *cursor, bool has_limit, int32_t limit, struct err *err);
/* The cursor behind this item; NULL when the arena is full. */
MUST_CHECK char *page_cursor(struct arena *arena, const struct page *page, const char *id, const char *key);
