#include "stack_text.h"
#include "base/buffer.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_FILE_BYTES = 1024 * 1024, LONGEST_NAME = 64, LONGEST_WORD = 8192 };

static bool put_variable(struct buffer *out, const char *name, size_t length, struct err *err)
{
    char copy[LONGEST_NAME] = "";
    if (length == 0 || length >= sizeof copy)
        return err_set(err, ERR_CONFIG, "${} needs a name of at most %d letters", LONGEST_NAME - 1);
    memcpy(copy, name, length);
    const char *value = getenv(copy);
    if (!value)
        return err_set(err, ERR_CONFIG, "${%s} is not set", copy);
    buffer_put_text(out, value);
    return true;
}

bool stack_text_expand(struct arena *arena, const char *text, size_t length, const char **out_text, struct err *err)
{
    AUTO_INPLACE(buffer) out = { .ceiling_bytes = LONGEST_WORD };
    for (size_t i = 0; i < length;) {
        if (text[i] != '$' || i + 1 == length || text[i + 1] != '{') {
            buffer_put_char(&out, text[i++]);
            continue;
        }
        const char *end = memchr(text + i, '}', length - i);
        if (!end)
            return err_set(err, ERR_CONFIG, "${ has no }");
        size_t name_at = i + 2;
        if (!put_variable(&out, text + name_at, (size_t)(end - text) - name_at, err))
            return false;
        i = (size_t)(end - text) + 1;
    }
    const char *copy = buffer_ok(&out) ? arena_text_n(arena, out.data ? out.data : "", out.size) : NULL;
    if (!copy)
        return err_set(err, ERR_CONFIG, "a word is longer than %d bytes", LONGEST_WORD);
    *out_text = copy;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Where the word that begins at `at` ends, and where its text is. */
static bool find_word(
    const char *line, size_t length, size_t at, size_t *out_from, size_t *out_to, size_t *out_next, struct err *err)
{
    if (line[at] != '"') {
        size_t end = at;
        while (end < length && !is_blank(line[end]))
            end++;
        *out_from = at;
        *out_to = *out_next = end;
        return true;
    }
    const char *quote = memchr(line + at + 1, '"', length - at - 1);
    if (!quote)
        return err_set(err, ERR_CONFIG, "a quote is not closed");
    *out_from = at + 1;
    *out_to = (size_t)(quote - line);
    *out_next = *out_to + 1;
    return true;
}

bool stack_text_split(struct arena *arena, const char *line, size_t length, const char **words, size_t most,
    size_t *out_count, struct err *err)
{
    size_t count = 0, at = 0;
    for (;;) {
        size_t from = at, to = at, next = at;
        while (at < length && is_blank(line[at]))
            at++;
        if (at == length || line[at] == '#')
            break;
        if (count == most)
            return err_set(err, ERR_CONFIG, "more than %zu words", most);
        if (!find_word(line, length, at, &from, &to, &next, err) ||
            !stack_text_expand(arena, line + from, to - from, &words[count], err))
            return false;
        count++;
        at = next;
    }
    words[count] = NULL;
    *out_count = count;
    return true;
}

static void file_auto(FILE **file)
{
    if (*file)
        fclose(*file);
}

bool stack_text_read(struct arena *arena, const char *path, const char **out_text, struct err *err)
{
    __attribute__((cleanup(file_auto))) FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = LARGEST_FILE_BYTES };
    char piece[4096];
    size_t got;
    while ((got = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_put(&text, piece, got);
    if (ferror(file) || !buffer_ok(&text))
        return err_set(err, ERR_CONFIG, "cannot read %s whole", path);
    *out_text = arena_text_n(arena, text.data ? text.data : "", text.size);
    return *out_text ? true : err_set(err, ERR_CONFIG, "the stack's table is too large");
}
