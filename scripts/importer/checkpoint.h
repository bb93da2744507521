/* How far an import has come, kept beside the file so that it can go on after any end: FILE.nwims-import. */
#pragma once
#include "base/err.h"

struct checkpoint {
    char identity[96]; /* of the file, see source_identity */
    int64_t offset;    /* everything before it is stored */
    int64_t stored, duplicate, refused;
};
/* An absent file, or one of another or changed file, is offset 0 (*out_was_changed in the second case). */
MUST_CHECK bool checkpoint_read(
    struct checkpoint *out_checkpoint, const char *path, const char *identity, bool *out_was_changed, struct err *err);
/* Replaces the file as a whole and waits until the disk has it. */
MUST_CHECK bool checkpoint_write(const struct checkpoint *checkpoint, const char *path, struct err *err);
