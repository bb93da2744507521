/* The hot path of the whole system: rows are laid down in a buffer of our own and handed to libpq in large pieces. A
 * row's room is made sure of once, when it begins, so that putting a number is a store and nothing else. */
#include "store/copy_writer.h"
#include "store/store_internal.h"
#include <stdlib.h>
#include <string.h>

/* Measured: from 64 KB on the size makes no difference; larger only delays the server's start on the rows. */
enum { PIECE_SIZE = 128 * 1024, MOST_COLUMNS = 256, WIDEST_NUMBER = 4 + 8 };

struct copy_writer {
    char *at;                      /* where the next byte goes */
    int columns_left;              /* of the row begun */
    bool has_failed;               /* err says why; the rest is thrown away */
    bool is_open;                  /* the COPY has begun and was not ended */
    struct store_session *session; /* borrowed */
    struct err err;
    char data[PIECE_SIZE];
};

static const char copy_header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"; /* signature, flags, extension: 19 bytes */
enum { COPY_HEADER_SIZE = sizeof copy_header - 1 };
_Static_assert(COPY_HEADER_SIZE == 19, "signature 11, flags 4, length of the extension 4");

static bool begin_copy(struct store_session *session, const char *copy_sql, struct err *err)
{
    PGresult *result = PQexec(session->connection, copy_sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COPY_IN && (status == PGRES_FATAL_ERROR || !result))
        store_fail(session, result, err);
    else if (status != PGRES_COPY_IN)
        err_set(err, ERR_BUG, "not a COPY ... FROM STDIN");
    PQclear(result);
    if (status != PGRES_COPY_IN)
        store_session_settle(session);
    return status == PGRES_COPY_IN;
}

bool copy_writer_open(
    struct copy_writer **out_writer, struct store_session *session, const char *copy_sql, struct err *err)
{
    session->constraint[0] = '\0';
    if (!session->connection)
        return err_set(err, ERR_TRANSIENT, "PostgreSQL: the connection was lost");
    struct copy_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return err_set(err, ERR_LIMIT, "no memory for a COPY");
    if (!begin_copy(session, copy_sql, err)) {
        free(writer);
        return false;
    }
    writer->session = session;
    writer->is_open = true;
    writer->has_failed = false;
    writer->columns_left = 0;
    memcpy(writer->data, copy_header, COPY_HEADER_SIZE);
    writer->at = writer->data + COPY_HEADER_SIZE;
    *out_writer = writer;
    return true;
}

static bool fail_rule(struct copy_writer *writer, const char *text)
{
    if (!writer->has_failed)
        err_set(&writer->err, ERR_BUG, "%s", text);
    writer->has_failed = true;
    return false;
}

static void send_piece(struct copy_writer *writer, const char *bytes, size_t size)
{
    if (writer->has_failed || PQputCopyData(writer->session->connection, bytes, (int)size) == 1)
        return;
    store_fail(writer->session, NULL, &writer->err);
    writer->has_failed = true;
}

static void flush(struct copy_writer *writer)
{
    send_piece(writer, writer->data, (size_t)(writer->at - writer->data));
    writer->at = writer->data;
}

static void make_room(struct copy_writer *writer, size_t size)
{
    if ((size_t)(writer->data + PIECE_SIZE - writer->at) < size)
        flush(writer);
}

static inline void put_u16(struct copy_writer *writer, uint16_t value)
{
    value = __builtin_bswap16(value);
    memcpy(writer->at, &value, sizeof value);
    writer->at += sizeof value;
}

static inline void put_u32(struct copy_writer *writer, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(writer->at, &value, sizeof value);
    writer->at += sizeof value;
}

static inline void put_u64(struct copy_writer *writer, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(writer->at, &value, sizeof value);
    writer->at += sizeof value;
}

/* Each column of the row begun has its room; one more than announced has none. */
static inline bool take_column(struct copy_writer *writer)
{
    if (__builtin_expect(writer->columns_left <= 0, 0))
        return fail_rule(writer, "a row of a COPY has more columns than announced");
    writer->columns_left--;
    return true;
}

void copy_writer_begin_row(struct copy_writer *writer, int columns)
{
    if (writer->columns_left != 0)
        fail_rule(writer, "a row of a COPY has fewer columns than announced");
    writer->columns_left = 0;
    if (columns < 1 || columns > MOST_COLUMNS) {
        fail_rule(writer, "a row of a COPY has 1 to 256 columns");
        return;
    }
    make_room(writer, 2 + (size_t)columns * WIDEST_NUMBER);
    put_u16(writer, (uint16_t)columns);
    writer->columns_left = columns;
}

void copy_writer_put_null(struct copy_writer *writer)
{
    if (take_column(writer))
        put_u32(writer, UINT32_MAX);
}

void copy_writer_put_int2(struct copy_writer *writer, int16_t value)
{
    if (!take_column(writer))
        return;
    put_u32(writer, 2);
    put_u16(writer, (uint16_t)value);
}

void copy_writer_put_int4(struct copy_writer *writer, int32_t value)
{
    if (!take_column(writer))
        return;
    put_u32(writer, 4);
    put_u32(writer, (uint32_t)value);
}

void copy_writer_put_int8(struct copy_writer *writer, int64_t value)
{
    if (!take_column(writer))
        return;
    put_u32(writer, 8);
    put_u64(writer, (uint64_t)value);
}

void copy_writer_put_double(struct copy_writer *writer, double value)
{
    uint64_t bits;
    if (!take_column(writer))
        return;
    memcpy(&bits, &value, sizeof bits);
    put_u32(writer, 8);
    put_u64(writer, bits);
}

void copy_writer_put_time(struct copy_writer *writer, int64_t us)
{
    copy_writer_put_int8(writer, store_time_of(us));
}

void copy_writer_put_text(struct copy_writer *writer, const char *text)
{
    if (!text) {
        copy_writer_put_null(writer);
        return;
    }
    if (!take_column(writer))
        return;
    size_t length = strlen(text);
    size_t rest = (size_t)writer->columns_left * WIDEST_NUMBER; /* the room of the columns that follow */
    if (length > INT32_MAX) {
        fail_rule(writer, "a text of a COPY is too long");
        return;
    }
    put_u32(writer, (uint32_t)length);
    if (length + rest > PIECE_SIZE) {
        flush(writer);
        send_piece(writer, text, length);
        return;
    }
    make_room(writer, length + rest);
    memcpy(writer->at, text, length);
    writer->at += length;
}

/* Ends the COPY on our side: with reason NULL for good, else abandoned. */
static bool end_copy(struct copy_writer *writer, const char *reason, int64_t *out_rows, struct err *err)
{
    struct store_session *session = writer->session;
    writer->is_open = false;
    if (!session->connection || PQputCopyEnd(session->connection, reason) != 1)
        return session->connection ? store_fail(session, NULL, err)
                                   : err_set(err, ERR_TRANSIENT, "PostgreSQL: the connection was lost");
    PGresult *result = PQgetResult(session->connection);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (ok)
        *out_rows = strtoll(PQcmdTuples(result), NULL, 10);
    else
        store_fail(session, result, err);
    PQclear(result);
    store_session_settle(session);
    return ok;
}

bool copy_writer_finish(struct copy_writer *writer, int64_t *out_rows, struct err *err)
{
    int64_t rows = 0;
    struct err ignored = { 0 };
    if (!writer->is_open)
        return err_set(err, ERR_BUG, "the COPY has ended already");
    if (writer->columns_left != 0)
        fail_rule(writer, "a row of a COPY has fewer columns than announced");
    make_room(writer, 2);
    put_u16(writer, UINT16_MAX); /* the trailer */
    flush(writer);
    if (writer->has_failed) {
        *err = writer->err;
        (void)!end_copy(writer, "abandoned", &rows, &ignored);
        return false;
    }
    if (!end_copy(writer, NULL, &rows, err))
        return false;
    *out_rows = rows;
    return true;
}

void copy_writer_close(struct copy_writer *writer)
{
    struct err ignored = { 0 };
    int64_t rows;
    if (!writer)
        return;
    if (writer->is_open)
        (void)!end_copy(writer, "abandoned", &rows, &ignored);
    free(writer);
}
