/* A file that lines are added to and that is put aside when it grows too large: name, name.1, name.2. */
#pragma once
#include "base/err.h"

struct log_file {
    char path[1024];
    int fd;
    int64_t size_bytes;
    int64_t most_bytes;
};

enum { LOG_FILES_KEPT = 3 };

/* In place. most_bytes: of one file; LOG_FILES_KEPT of them stay. */
MUST_CHECK bool log_file_init(struct log_file *file, const char *path, int64_t most_bytes, struct err *err);
void log_file_done(struct log_file *file);
/* What cannot be written (a full disk) is dropped: the processes must not stand still for their logs. */
void log_file_put(struct log_file *file, const char *line, size_t length);
