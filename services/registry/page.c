#include "page.h"
#include "auth/auth.h"
#include "base/text.h"
#include <string.h>

static bool read_cursor(struct page *page, const char *cursor, struct err *err)
{
    struct uuid id;
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = 256 };
    if (strlen(cursor) > 200 || !auth_base64url_decode(&bytes, cursor, strlen(cursor), err))
        return false;
    size_t code_length = bytes.size - sizeof id.bytes;
    const char *code = bytes.data + sizeof id.bytes;
    if (bytes.size <= sizeof id.bytes || memchr(code, '\0', code_length) || !text_is_utf8(code, code_length) ||
        !text_copy(page->after_code, sizeof page->after_code, code, code_length))
        return false;
    memcpy(id.bytes, bytes.data, sizeof id.bytes);
    uuid_format(page->after_id, &id);
    return true;
}

bool page_begin(struct page *page, const char *cursor, bool has_limit, int32_t limit, struct err *err)
{
    struct uuid zero = { { 0 } };
    page->limit = !has_limit || limit < 1 ? PAGE_PRESET : limit > PAGE_LARGEST ? PAGE_LARGEST : limit;
    page->after_code[0] = '\0'; /* less than any code */
    uuid_format(page->after_id, &zero);
    if (cursor && *cursor && !read_cursor(page, cursor, err))
        return err_set(err, ERR_INPUT, "must be the next_cursor of the page before");
    return true;
}

char *page_cursor(struct arena *arena, const char *id, const char *code)
{
    struct uuid uuid;
    AUTO_INPLACE(buffer) bytes = { .ceiling_bytes = 512 };
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = 1024 };
    if (!uuid_parse(id, strlen(id), &uuid))
        return NULL;
    buffer_put(&bytes, uuid.bytes, sizeof uuid.bytes);
    buffer_put_text(&bytes, code);
    if (!buffer_ok(&bytes) || !auth_base64url_encode(&text, bytes.data, bytes.size))
        return NULL;
    return arena_text(arena, text.data);
}
