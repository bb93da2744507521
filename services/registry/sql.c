#include "sql.h"
#include <stdio.h>

void sql_done(struct sql *sql)
{
    buffer_done(&sql->text);
}

void sql_put(struct sql *sql, const char *format, ...)
{
    char piece[1024];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(piece, sizeof piece, format, values);
    va_end(values);
    sql->text.failed = sql->text.failed || length < 0 || (size_t)length >= sizeof piece;
    buffer_put_text(&sql->text, piece);
}

size_t sql_param(struct sql *sql, struct store_param param)
{
    if (sql->count == SQL_MOST_PARAMS) {
        sql->text.failed = true;
        return sql->count;
    }
    sql->params[sql->count++] = param;
    return sql->count;
}

bool sql_query(struct sql *sql, struct store_session *session, struct store_result **out_rows, struct err *err)
{
    if (!buffer_ok(&sql->text))
        return err_set(err, ERR_BUG, "a statement became too long");
    return store_query(session, out_rows, sql->text.data, sql->params, sql->count, err);
}
