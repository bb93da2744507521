#include "log_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool open_end(struct log_file *file)
{
    struct stat found;
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    file->size_bytes = file->fd >= 0 && fstat(file->fd, &found) == 0 ? found.st_size : 0;
    return file->fd >= 0;
}

bool log_file_init(struct log_file *file, const char *path, int64_t most_bytes, struct err *err)
{
    *file = (struct log_file){ .fd = -1, .most_bytes = most_bytes };
    /* Room is left for ".1". */
    if (snprintf(file->path, sizeof file->path, "%s", path) >= (int)sizeof file->path - 4)
        return err_set(err, ERR_CONFIG, "the path %s is too long", path);
    return open_end(file) || err_set(err, ERR_CONFIG, "cannot write %s: %s", path, strerror(errno));
}

void log_file_done(struct log_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

static void put_aside(struct log_file *file)
{
    char older[sizeof file->path + 16], newer[sizeof file->path + 16];
    log_file_done(file);
    for (int i = LOG_FILES_KEPT - 1; i > 0; i--) {
        snprintf(older, sizeof older, "%s.%d", file->path, i);
        if (i > 1)
            snprintf(newer, sizeof newer, "%s.%d", file->path, i - 1);
        else
            snprintf(newer, sizeof newer, "%s", file->path);
        if (rename(newer, older) != 0 && errno != ENOENT)
            break; /* then we go on with the file we have */
    }
    file->size_bytes = 0;
}

void log_file_put(struct log_file *file, const char *line, size_t length)
{
    if (file->size_bytes + (int64_t)length > file->most_bytes && file->size_bytes > 0)
        put_aside(file);
    if (file->fd < 0 && !open_end(file))
        return;
    ssize_t put = write(file->fd, line, length);
    if (put > 0)
        file->size_bytes += put;
}
