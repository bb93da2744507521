#include "base/text.h"
#include "base/time_text.h"
#include "store/store_internal.h"
#include <stdlib.h>
#include <string.h>

size_t store_result_rows(const struct store_result *result)
{
    return (size_t)PQntuples(result->rows);
}

int64_t store_result_affected(const struct store_result *result)
{
    return strtoll(PQcmdTuples(result->rows), NULL, 10); /* "" for statements that count nothing */
}

bool store_result_is_null(const struct store_result *result, size_t row, size_t column)
{
    return PQgetisnull(result->rows, (int)row, (int)column) != 0;
}

const char *store_result_text(const struct store_result *result, size_t row, size_t column)
{
    return store_result_is_null(result, row, column) ? NULL : PQgetvalue(result->rows, (int)row, (int)column);
}

char *store_result_copy(const struct store_result *result, size_t row, size_t column, struct arena *arena)
{
    const char *text = store_result_text(result, row, column);
    return text ? arena_text(arena, text) : NULL;
}

int64_t store_result_int(const struct store_result *result, size_t row, size_t column)
{
    const char *text = store_result_text(result, row, column);
    return text ? strtoll(text, NULL, 10) : 0;
}

double store_result_double(const struct store_result *result, size_t row, size_t column)
{
    const char *text = store_result_text(result, row, column);
    return text ? strtod(text, NULL) : 0; /* also NaN and Infinity, as PostgreSQL writes them */
}

bool store_result_bool(const struct store_result *result, size_t row, size_t column)
{
    const char *text = store_result_text(result, row, column);
    return text && text[0] == 't';
}

/* "2026-11-24 08:00:00.25+00": the zone of our sessions is UTC. Infinity and years beyond 9999 saturate. */
int64_t store_result_time(const struct store_result *result, size_t row, size_t column)
{
    char utc[TIME_TEXT_SIZE + 8];
    int64_t us;
    const char *text = store_result_text(result, row, column);
    size_t length = text ? strlen(text) : 0;
    if (!text)
        return 0;
    if (length > 3 && length < sizeof utc - 2 && strcmp(text + length - 3, "+00") == 0) {
        memcpy(utc, text, length - 3);
        utc[length - 3] = 'Z';
        if (time_text_parse(utc, length - 2, &us))
            return us;
    }
    return text[0] == '-' || strstr(text, "BC") ? INT64_MIN : INT64_MAX;
}

bool store_result_bytes(const struct store_result *result, size_t row, size_t column, struct arena *arena,
    unsigned char **out_bytes, size_t *out_size)
{
    const char *text = store_result_text(result, row, column);
    size_t length = text ? (size_t)PQgetlength(result->rows, (int)row, (int)column) : 0;
    if (!text || length < 2 || text[0] != '\\' || text[1] != 'x')
        return false;
    size_t size = (length - 2) / 2;
    unsigned char *bytes = arena_alloc(arena, size + 1);
    if (!bytes || !text_from_hex(bytes, size, text + 2, length - 2))
        return false;
    *out_bytes = bytes;
    *out_size = size;
    return true;
}

void store_result_close(struct store_result *result)
{
    if (!result)
        return;
    PQclear(result->rows);
    free(result);
}
