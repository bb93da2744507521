#include "state.h"
#include "base/buffer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool state_read(struct demo_state *state, const char *path, struct err *err)
{
    char line[160];
    *state = (struct demo_state){ 0 };
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT || err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, file)) {
        int zone;
        char token[80];
        if (sscanf(line, "token %d %79s", &zone, token) == 2 && zone >= 0 && zone < ZONE_COUNT)
            memcpy(state->device_tokens[zone], token, strlen(token) + 1);
        else if (strncmp(line, "tenant ", 7) == 0)
            state->tenant_id = (int)strtol(line + 7, NULL, 10);
    }
    fclose(file);
    return true;
}

bool state_replace_file(const char *path, const char *text, size_t size, struct err *err)
{
    char temporary[512];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, ERR_CONFIG, "cannot write %s: %s", temporary, strerror(errno));
    bool ok = write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
    close(fd);
    if (!ok || rename(temporary, path) != 0)
        return err_set(err, ERR_CONFIG, "cannot write %s: %s", path, strerror(errno));
    return true;
}

bool state_write(const struct demo_state *state, const char *path, struct err *err)
{
    AUTO_INPLACE(buffer) text = { 0 };
    buffer_printf(&text, "tenant %d\n", state->tenant_id);
    for (int zone = 0; zone < ZONE_COUNT; zone++)
        if (state->device_tokens[zone][0])
            buffer_printf(&text, "token %d %s\n", zone, state->device_tokens[zone]);
    return (buffer_ok(&text) || err_set(err, ERR_LIMIT, "out of memory")) &&
           state_replace_file(path, text.data, text.size, err);
}
