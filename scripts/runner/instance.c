#include "instance.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LONGEST_PATH = 1024 };

struct instance {
    int fd;
};

static int lock_file_open(const char *folder, int flags)
{
    char path[LONGEST_PATH];
    if (snprintf(path, sizeof path, "%s/run/runner.lock", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, flags | O_CLOEXEC, 0644);
}

bool instance_open(struct instance **out_instance, const char *folder, struct err *err)
{
    AUTO(instance) instance = calloc(1, sizeof *instance);
    if (!instance)
        return err_set(err, ERR_LIMIT, "no memory");
    instance->fd = lock_file_open(folder, O_RDWR | O_CREAT);
    if (instance->fd < 0)
        return err_set(err, ERR_CONFIG, "cannot open %s/run/runner.lock: %s", folder, strerror(errno));
    if (flock(instance->fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(err, ERR_CONFLICT, "another runner (process %d) holds %s", (int)instance_holder(folder), folder);
    if (!instance_sign(instance, err))
        return false;
    *out_instance = TAKE(instance);
    return true;
}

bool instance_sign(struct instance *instance, struct err *err)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(instance->fd, 0) != 0 || pwrite(instance->fd, text, (size_t)length, 0) != length)
        return err_set(err, ERR_CONFIG, "cannot write the lock file: %s", strerror(errno));
    return true;
}

void instance_close(struct instance *instance)
{
    if (!instance)
        return;
    if (instance->fd >= 0)
        close(instance->fd);
    free(instance);
}

pid_t instance_holder(const char *folder)
{
    char text[32] = "";
    int fd = lock_file_open(folder, O_RDONLY);
    if (fd < 0)
        return 0;
    bool is_held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ssize_t got = is_held ? pread(fd, text, sizeof text - 1, 0) : 0;
    close(fd);
    return got > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}
