/* A statement that is put together with its parameters. Only names from our own tables go into the text; whatever came
 * from outside is a parameter. Statements of the same form have the same text, so that each form is prepared once. */
#pragma once
#include "base/buffer.h"
#include "store/store.h"

enum { SQL_CEILING = 16 * 1024, SQL_MOST_PARAMS = 48 };
struct sql {
    struct buffer text;
    struct store_param params[SQL_MOST_PARAMS];
    size_t count;
};
#define SQL_INIT                                                                                                       \
    {                                                                                                                  \
        .text = {.ceiling_bytes = SQL_CEILING }                                                                        \
    }
void sql_done(struct sql *sql);
/* Appends text. */
void sql_put(struct sql *sql, const char *format, ...) PRINTF_LIKE(2, 3);
/* Adds a parameter that was not there before and gives its number. */
size_t sql_param(struct sql *sql, struct store_param param);
MUST_CHECK bool sql_query(
    struct sql *sql, struct store_session *session, struct store_result **out_rows, struct err *err);
