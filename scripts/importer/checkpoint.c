#include "checkpoint.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "nwims-import 1\n%95s\n%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64

bool checkpoint_read(
    struct checkpoint *out_checkpoint, const char *path, const char *identity, bool *out_was_changed, struct err *err)
{
    struct checkpoint found = { 0 };
    FILE *file = fopen(path, "re");
    *out_was_changed = false;
    *out_checkpoint = (struct checkpoint){ 0 };
    snprintf(out_checkpoint->identity, sizeof out_checkpoint->identity, "%s", identity);
    if (!file)
        return true;
    /* Our own file; a number out of range is none that we wrote. NOLINTNEXTLINE(cert-err34-c) */
    int fields = fscanf(file, FORMAT, found.identity, &found.offset, &found.stored, &found.duplicate, &found.refused);
    fclose(file);
    if (fields != 5 || found.offset < 0)
        return err_set(err, ERR_CONFIG, "%s is not how far an import came: remove it to begin anew", path);
    *out_was_changed = strcmp(found.identity, identity) != 0;
    if (!*out_was_changed)
        *out_checkpoint = found;
    return true;
}

bool checkpoint_write(const struct checkpoint *checkpoint, const char *path, struct err *err)
{
    char temporary[4096], text[256];
    int length = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return err_set(err, ERR_CONFIG, "the file's name is too long");
    length = snprintf(text, sizeof text, "nwims-import 1\n%s\n%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
        checkpoint->identity, checkpoint->offset, checkpoint->stored, checkpoint->duplicate, checkpoint->refused);
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = file >= 0 && write(file, text, (size_t)length) == length && fsync(file) == 0;
    if (file >= 0)
        ok = close(file) == 0 && ok;
    ok = ok && rename(temporary, path) == 0;
    return ok || err_set(err, ERR_CONFIG, "%s cannot be written: how far the import came is kept there", path);
}
