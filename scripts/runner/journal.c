#include "journal.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/time_text.h"
#include "log_file.h"
#include "log_view.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_FILE_BYTES = 16 * 1024 * 1024, LONGEST_PATH = 1024, TAIL_BYTES = 8 * 1024, LONGEST_LINE = 256 * 1024 };

struct stream {
    const char *name;
    struct log_file file;
};

struct journal {
    char folder[LONGEST_PATH];
    bool shows_lines, is_hushed, is_coloured;
    struct log_file together;
    size_t count;
    struct stream streams[]; /* count of them */
};

static bool log_path(char path[LONGEST_PATH], const char *folder, const char *name, const char *ending, struct err *err)
{
    return snprintf(path, LONGEST_PATH, "%s/log/%s%s", folder, name, ending) < LONGEST_PATH ||
           err_set(err, ERR_CONFIG, "the path %s is too long", folder);
}

bool journal_open(struct journal **out_journal, const char *folder, bool shows_lines, size_t count, struct err *err)
{
    char path[LONGEST_PATH];
    AUTO(journal) journal = calloc(1, sizeof *journal + count * sizeof journal->streams[0]);
    if (!journal)
        return err_set(err, ERR_LIMIT, "no memory");
    journal->together.fd = -1;
    if (!log_path(path, folder, "stack", ".log", err) || !log_file_init(&journal->together, path, MOST_FILE_BYTES, err))
        return false;
    snprintf(journal->folder, sizeof journal->folder, "%s", folder);
    journal->shows_lines = shows_lines;
    journal->is_coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    journal->count = count;
    for (size_t i = 0; i < count; i++)
        journal->streams[i].file.fd = -1;
    *out_journal = TAKE(journal);
    return true;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    for (size_t i = 0; i < journal->count; i++)
        log_file_done(&journal->streams[i].file);
    log_file_done(&journal->together);
    free(journal);
}

bool journal_add(struct journal *journal, size_t place, const char *name, struct err *err)
{
    char path[LONGEST_PATH];
    journal->streams[place].name = name;
    return log_path(path, journal->folder, name, ".jsonl", err) &&
           log_file_init(&journal->streams[place].file, path, MOST_FILE_BYTES, err);
}

void journal_hush(struct journal *journal)
{
    journal->is_hushed = true;
}

static void show(const struct journal *journal, const char *text, size_t length)
{
    if (!journal->is_hushed && write(STDOUT_FILENO, text, length) < 0)
        return; /* a terminal that went away is no reason to stop */
}

/* Colours tell the processes apart; errors are red whoever says them. */
static const char *colour_of(size_t place, const char *level)
{
    static const char *const colours[] = { "\033[36m", "\033[32m", "\033[33m", "\033[34m", "\033[35m", "\033[96m",
        "\033[92m", "\033[94m" };
    return strcmp(level, "error") == 0 ? "\033[31m" : colours[place % COUNT_OF(colours)];
}

/* "08:00:00.250": RFC 3339 has as many digits behind the point as it needs. */
static void clock_text(char text[13], const char *time)
{
    snprintf(text, 13, "00:00:00.000");
    for (size_t i = 11; i < 23 && time[i] != '\0' && time[i] != 'Z'; i++)
        text[i - 11] = time[i];
}

static void put_line(
    struct buffer *out, const struct log_line *known, const char *name, const char *text, const char *colour)
{
    char clock[13];
    clock_text(clock, strlen(known->time) >= 19 ? known->time : "0000-00-00T00:00:00");
    buffer_printf(
        out, "%s%s %-16s%s %-5s %s\n", colour ? colour : "", clock, name, colour ? "\033[0m" : "", known->level, text);
}

void journal_put(struct journal *journal, size_t place, const char *line, size_t length)
{
    struct log_line known;
    struct stream *stream = &journal->streams[place];
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = LONGEST_LINE };
    AUTO_INPLACE(buffer) out = { .ceiling_bytes = LONGEST_LINE };
    log_view_put(&text, line, length, &known);
    log_view_put_json(&out, stream->name, line, length, &known);
    if (buffer_ok(&out))
        log_file_put(&stream->file, out.data, out.size);
    buffer_reset(&out);
    if (!buffer_ok(&text))
        return;
    buffer_put_char(&text, '\0');
    put_line(&out, &known, stream->name, text.data, NULL);
    if (buffer_ok(&out))
        log_file_put(&journal->together, out.data, out.size);
    if (!journal->shows_lines)
        return;
    buffer_reset(&out);
    put_line(&out, &known, stream->name, text.data, journal->is_coloured ? colour_of(place, known.level) : NULL);
    if (buffer_ok(&out))
        show(journal, out.data, out.size);
}

void journal_say(struct journal *journal, const char *format, ...)
{
    char text[1024];
    struct log_line now = { .level = "info" };
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    time_text_format(now.time, clock_now_us() / 1000 * 1000);
    AUTO_INPLACE(buffer) out = { .ceiling_bytes = LONGEST_LINE };
    put_line(&out, &now, "runner", text, NULL);
    if (buffer_ok(&out))
        log_file_put(&journal->together, out.data, out.size);
    buffer_reset(&out);
    buffer_printf(&out, "%s%s%s\n", journal->is_coloured ? "\033[1m" : "", text, journal->is_coloured ? "\033[0m" : "");
    if (buffer_ok(&out))
        show(journal, out.data, out.size);
}

/* ---- showing what was written --------------------------------------------------------------------------------------
 */
static void show_text(const char *name, const char *line, size_t length)
{
    struct log_line known;
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = LONGEST_LINE };
    if (!name) {
        printf("%.*s\n", (int)length, line);
        return;
    }
    log_view_put(&text, line, length, &known);
    buffer_put_char(&text, '\0');
    AUTO_INPLACE(buffer) out = { .ceiling_bytes = LONGEST_LINE };
    if (buffer_ok(&text))
        put_line(&out, &known, name, text.data, NULL);
    if (buffer_ok(&out))
        fwrite(out.data, 1, out.size, stdout);
}

static void file_auto(FILE **file)
{
    if (*file)
        fclose(*file);
}

static void text_auto(char **text)
{
    free(*text);
}

bool journal_show(const char *folder, const char *name, bool follows, struct err *err)
{
    char path[LONGEST_PATH];
    if (!log_path(path, folder, name ? name : "stack", name ? ".jsonl" : ".log", err))
        return false;
    __attribute__((cleanup(file_auto))) FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
    __attribute__((cleanup(text_auto))) char *line = NULL;
    size_t room = 0;
    if (fseek(file, -TAIL_BYTES, SEEK_END) == 0 && getline(&line, &room, file) < 0)
        rewind(file); /* else we began within a line and have passed it over */
    for (;;) {
        ssize_t length = getline(&line, &room, file);
        if (length > 0) {
            show_text(name, line, (size_t)length - (line[length - 1] == '\n'));
            continue;
        }
        fflush(stdout);
        if (!follows)
            return true;
        clearerr(file);
        clock_sleep_ms(200);
    }
}
