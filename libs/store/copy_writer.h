/* Writes rows into one PostgreSQL table with binary COPY inside the session's transaction; used by one thread. A row is
 * begun with its number of columns and then filled in order. What is put is gathered and sent in large pieces. */
#pragma once
#include "store/store.h"

struct copy_writer;

/* copy_sql: "COPY telemetry.reading_x (a, b) FROM STDIN (FORMAT binary)". The session is borrowed and must outlive the
 * writer. */
MUST_CHECK bool copy_writer_open(
    struct copy_writer **out_writer, struct store_session *session, const char *copy_sql, struct err *err);
void copy_writer_begin_row(struct copy_writer *writer, int columns);
void copy_writer_put_null(struct copy_writer *writer);
void copy_writer_put_int2(struct copy_writer *writer, int16_t value);
void copy_writer_put_int4(struct copy_writer *writer, int32_t value);
void copy_writer_put_int8(struct copy_writer *writer, int64_t value);
void copy_writer_put_double(struct copy_writer *writer, double value);
/* Microseconds since 1970. */
void copy_writer_put_time(struct copy_writer *writer, int64_t us);
void copy_writer_put_text(struct copy_writer *writer, const char *text);
/* Ends the COPY: all rows are in the transaction, or none and err says why (ERR_CONFLICT: a duplicate key). */
MUST_CHECK bool copy_writer_finish(struct copy_writer *writer, int64_t *out_rows, struct err *err);
void copy_writer_close(struct copy_writer *writer); /* abandons what was not finished */
AUTO_DEFINE(copy_writer, copy_writer_close)
