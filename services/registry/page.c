#include "page.h"
#include "auth/auth.h"
#include "base/text.h"
#include <string.h>

/* The first byte of a cursor. */
static char sort_letter(const struct page *page)
{
    static const char ascending[] = "cna", descending[] = "CNA";
    return page->is_descending ? descending[page->key] : ascending[page->key];
}

bool page_sort(struct page *page, const char *sort, struct err *err)
{
    static const char *const names[] = {
        [PAGE_BY_CODE] = "code", [PAGE_BY_NAME] = "name", [PAGE_BY_AGE] = "created_at"
    };
    const char *name = sort ? sort : names[PAGE_BY_CODE];
    *page = (struct page){ .is_descending = *name == '-' };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(name + page->is_descending, names[i]) == 0) {
            page->key = (enum page_key)i;
            return true;
        }
    return err_set(err, ERR_INPUT, "must be one of " PAGE_SORTS);
}

static bool read_cursor(struct page *page, const char *cursor, struct err *err)
{
    struct uuid id;
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = 512 };
    const size_t head = 1 + sizeof id.bytes;
    if (strnlen(cursor, 401) > 400 || !auth_base64url_decode(&bytes, cursor, strlen(cursor), err) ||
        bytes.size < head || bytes.data[0] != sort_letter(page))
        return false;
    const char *key = bytes.data + head;
    size_t length = bytes.size - head;
    if (memchr(key, '\0', length) || !text_is_utf8(key, length) ||
        !text_copy(page->after_key, sizeof page->after_key, key, length))
        return false;
    memcpy(id.bytes, bytes.data + 1, sizeof id.bytes);
    uuid_format(page->after_id, &id);
    page->has_after = true;
    return true;
}

bool page_begin(struct page *page, const char *cursor, bool has_limit, int32_t limit, struct err *err)
{
    page->limit = !has_limit || limit < 1 ? PAGE_PRESET : limit > PAGE_LARGEST ? PAGE_LARGEST : limit;
    if (cursor && *cursor && !read_cursor(page, cursor, err))
        return err_set(err, ERR_INPUT, "must be the next_cursor of the page before, with the same sort");
    return true;
}

char *page_cursor(struct arena *arena, const struct page *page, const char *id, const char *key)
{
    struct uuid uuid;
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = 512 };
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = 1024 };
    if (!uuid_parse(id, strlen(id), &uuid))
        return NULL;
    buffer_put_char(&bytes, sort_letter(page));
    buffer_put(&bytes, uuid.bytes, sizeof uuid.bytes);
    buffer_put_text(&bytes, key);
    if (!buffer_ok(&bytes) || !auth_base64url_encode(&text, bytes.data, bytes.size))
        return NULL;
    return arena_text(arena, text.data);
}
