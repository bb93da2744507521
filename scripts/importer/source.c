#include "source.h"
#include "base/csv.h"
#include "base/text.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024, LONGEST_ROW = 1024 * 1024, MOST_COLUMNS = 4096, BODY_BYTES = 4 * 1024 * 1024 };

struct source {
    int file; /* on disk */
    int text; /* plain: the file itself, or what gzip gives */
    pid_t gzip;
    int64_t size;
    char identity[96];
    struct buffer header;
    bool is_wide;
    int64_t readings_a_row, rows_a_piece;
    struct buffer held; /* read, not yet given out */
    size_t at;          /* in held */
    bool is_at_end;
    int64_t offset, line; /* of held.data[at] */
    size_t number;
};

void piece_free(struct piece *piece)
{
    if (!piece)
        return;
    buffer_done(&piece->body);
    free(piece);
}

/* ---- bytes ---- */
static bool is_gzip(int file)
{
    unsigned char magic[2] = { 0 };
    return pread(file, magic, sizeof magic, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

/* gzip reads the file through the same open file description, so that its place there is seen here. */
static bool start_gzip(struct source *source, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_TRANSIENT, "no pipe");
    source->gzip = fork();
    if (source->gzip == 0) {
        dup2(source->file, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execlp("gzip", "gzip", "-dc", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    source->text = ends[0];
    return source->gzip > 0 || err_set(err, ERR_TRANSIENT, "gzip cannot be started");
}

static bool gzip_ended_well(struct source *source, struct err *err)
{
    int status = 0;
    pid_t gzip = source->gzip;
    source->gzip = 0;
    if (gzip <= 0 || (waitpid(gzip, &status, 0) == gzip && WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return true;
    return err_set(err, ERR_INPUT, "the file is no gzip, or is cut short or damaged");
}

/* More of the text behind what is held. */
static bool read_more(struct source *source, struct err *err)
{
    if (source->at > 0) {
        memmove(source->held.data, source->held.data + source->at, source->held.size - source->at);
        source->held.size -= source->at;
        source->at = 0;
    }
    char *room = buffer_room(&source->held, READ_BYTES);
    if (!room)
        return err_set(
            err, ERR_INPUT, "line %" PRId64 ": a row is longer than 1 MiB: does a quote not end?", source->line);
    ssize_t count = read(source->text, room, READ_BYTES);
    if (count < 0)
        return err_set(err, ERR_TRANSIENT, "the file cannot be read");
    buffer_claim(&source->held, (size_t)count);
    source->is_at_end = count == 0;
    return count > 0 || gzip_ended_well(source, err);
}

/* The length of the row that begins at `at` with its line end; 0 if more must be read. */
static size_t row_length(const struct source *source, int64_t *out_lines)
{
    bool is_quoted = false;
    *out_lines = 0;
    for (size_t i = source->at; i < source->held.size; i++) {
        char c = source->held.data[i];
        is_quoted = is_quoted != (c == '"');
        *out_lines += c == '\n';
        if (c == '\n' && !is_quoted)
            return i + 1 - source->at;
    }
    *out_lines += 1;
    return source->is_at_end ? source->held.size - source->at : 0;
}

/* *out_length is 0 at the end of the file. */
static bool next_row(struct source *source, size_t *out_length, int64_t *out_lines, struct err *err)
{
    for (;;) {
        *out_length = row_length(source, out_lines);
        if (*out_length > 0 || source->is_at_end)
            return true;
        if (!read_more(source, err))
            return false;
    }
}

static void pass(struct source *source, size_t length, int64_t lines)
{
    source->at += length;
    source->offset += (int64_t)length;
    source->line += lines;
}

/* ---- header ---- */
static bool look_at_header(struct source *source, struct err *err)
{
    AUTO_INPLACE(arena) arena = { 0 };
    struct csv_scan scan;
    size_t count = 0;
    arena_init(&arena, 4 * LONGEST_ROW);
    struct csv_field *fields = arena_alloc_array(&arena, MOST_COLUMNS, sizeof *fields);
    if (!fields)
        return err_set(err, ERR_LIMIT, "out of memory");
    csv_scan_begin(&scan, &arena, source->header.data, source->header.size);
    if (!csv_scan_row(&scan, fields, MOST_COLUMNS, &count, err))
        return false;
    source->is_wide = true;
    for (size_t i = 0; i < count; i++)
        if (csv_field_is(&fields[i], "sensor_id") || csv_field_is(&fields[i], "sensor"))
            source->is_wide = false;
    if (count < 2)
        return err_set(
            err, ERR_CONFIG, "the first line is no header: columns sensor_id and value, or timestamp and sensors");
    source->readings_a_row = source->is_wide ? (int64_t)count - 1 : 1;
    return true;
}

static bool read_header(struct source *source, struct err *err)
{
    size_t length;
    int64_t lines;
    if (!next_row(source, &length, &lines, err))
        return false;
    if (length == 0)
        return err_set(err, ERR_CONFIG, "the file is empty");
    buffer_put(&source->header, source->held.data + source->at, length);
    if (source->header.data[length - 1] != '\n')
        buffer_put_char(&source->header, '\n');
    pass(source, length, lines);
    return buffer_ok(&source->header) && look_at_header(source, err);
}

static bool skip_to(struct source *source, int64_t offset, struct err *err)
{
    while (source->offset < offset) {
        size_t length;
        int64_t lines;
        if (!next_row(source, &length, &lines, err))
            return false;
        if (length == 0)
            return err_set(err, ERR_CONFIG, "the file is shorter than what was sent of it: has it changed?");
        pass(source, length, lines);
    }
    return true;
}

static bool open_file(struct source *source, const char *path, struct err *err)
{
    struct stat about;
    source->file = open(path, O_RDONLY | O_CLOEXEC);
    if (source->file < 0 || fstat(source->file, &about) != 0 || !S_ISREG(about.st_mode))
        return err_set(err, ERR_CONFIG, "%s is no file that can be read", path);
    source->size = about.st_size;
    source->text = source->file;
    if (is_gzip(source->file) && !start_gzip(source, err))
        return false;
    if (!read_header(source, err))
        return err_wrap(err, "%s", path);
    snprintf(source->identity, sizeof source->identity, "%" PRId64 "-%" PRId64 "-%016" PRIx64, (int64_t)about.st_size,
        (int64_t)about.st_mtim.tv_sec, (uint64_t)text_hash(source->header.data, source->header.size));
    return true;
}

bool source_open(struct source **out_source, const struct source_config *config, struct err *err)
{
    AUTO(source) source = calloc(1, sizeof *source);
    if (!source)
        return err_set(err, ERR_LIMIT, "out of memory");
    source->file = source->text = -1;
    source->line = 1;
    source->held.ceiling_bytes = LONGEST_ROW + READ_BYTES;
    if (!open_file(source, config->path, err))
        return false;
    source->rows_a_piece = source->readings_a_row > 0 ? config->readings / source->readings_a_row : 1;
    if (source->rows_a_piece < 1)
        source->rows_a_piece = 1;
    if (!skip_to(source, config->offset, err))
        return err_wrap(err, "%s", config->path);
    *out_source = TAKE(source);
    return true;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    if (source->text >= 0 && source->text != source->file)
        close(source->text); /* gzip ends by itself when nobody reads */
    if (source->gzip > 0)
        waitpid(source->gzip, NULL, 0);
    if (source->file >= 0)
        close(source->file);
    buffer_done(&source->header);
    buffer_done(&source->held);
    free(source);
}

static bool fill(struct source *source, struct piece *piece, struct err *err)
{
    int64_t rows = 0;
    while (rows < source->rows_a_piece && piece->body.size < BODY_BYTES) {
        size_t length;
        int64_t lines;
        if (!next_row(source, &length, &lines, err))
            return false;
        if (length == 0)
            break;
        buffer_put(&piece->body, source->held.data + source->at, length);
        pass(source, length, lines);
        rows++;
    }
    piece->readings = rows * source->readings_a_row;
    return buffer_ok(&piece->body) || err_set(err, ERR_LIMIT, "out of memory");
}

bool source_next(struct source *source, struct piece **out_piece, struct err *err)
{
    AUTO(piece) piece = calloc(1, sizeof *piece);
    *out_piece = NULL;
    if (!piece)
        return err_set(err, ERR_LIMIT, "out of memory");
    piece->body.ceiling_bytes = BODY_BYTES + 2 * LONGEST_ROW;
    piece->number = source->number;
    piece->first_line = source->line;
    buffer_put(&piece->body, source->header.data, source->header.size);
    if (!fill(source, piece, err))
        return false;
    piece->end_offset = source->offset;
    if (piece->readings == 0)
        return true;
    source->number++;
    *out_piece = TAKE(piece);
    return true;
}

double source_share(const struct source *source)
{
    off_t place = lseek(source->file, 0, SEEK_CUR);
    return source->size > 0 && place > 0 ? (double)place / (double)source->size : 0;
}

const char *source_identity(const struct source *source)
{
    return source->identity;
}

bool source_is_wide(const struct source *source)
{
    return source->is_wide;
}
