#include "http/http_gzip.h"
#include <limits.h>
#include <zlib.h>

/* 15 bits of window, and 16: a gzip header is wanted, not zlib's. */
enum { WINDOW_OF_GZIP = 15 + 16 };

static void inflate_done(z_stream *stream)
{
    inflateEnd(stream);
}

static bool refuse(int status, struct err *err)
{
    if (status == Z_MEM_ERROR)
        return err_set(err, ERR_LIMIT, "no memory to open the compressed body");
    return err_set(err, ERR_INPUT, "the body is not the gzip that Content-Encoding says: damaged or cut short");
}

/* One piece of plain text; *out_status is zlib's. */
static bool open_piece(z_stream *stream, struct buffer *out, size_t ceiling, int *out_status, struct err *err)
{
    char *room = buffer_room(out, HTTP_GZIP_PIECE);
    if (!room)
        return err_set(err, ERR_LIMIT, "no memory to open the compressed body");
    stream->next_out = (unsigned char *)room;
    stream->avail_out = HTTP_GZIP_PIECE;
    *out_status = inflate(stream, Z_NO_FLUSH);
    buffer_claim(out, HTTP_GZIP_PIECE - stream->avail_out);
    if (out->size > ceiling)
        return err_set(err, ERR_LIMIT, "the body is longer than %zu bytes when opened", ceiling);
    return true;
}

/* All members, one after another, as gzip itself joins files. */
static bool open_all(z_stream *stream, struct buffer *out, size_t ceiling, struct err *err)
{
    for (;;) {
        int status = Z_OK;
        if (!open_piece(stream, out, ceiling, &status, err))
            return false;
        if (status == Z_STREAM_END && stream->avail_in == 0)
            return true;
        if (status == Z_STREAM_END)
            status = inflateReset(stream);
        if (status != Z_OK)
            return refuse(status, err);
    }
}

bool http_gzip_open(struct buffer *out, const void *data, size_t size, size_t ceiling, struct err *err)
{
    __attribute__((cleanup(inflate_done))) z_stream stream = { 0 };
    if (size > UINT_MAX)
        return err_set(err, ERR_LIMIT, "the compressed body is too long");
    int status = inflateInit2(&stream, WINDOW_OF_GZIP);
    if (status != Z_OK)
        return refuse(status, err);
    stream.next_in = (unsigned char *)(uintptr_t)data; /* zlib only reads it */
    stream.avail_in = (unsigned)size;
    return open_all(&stream, out, ceiling, err);
}
