/* Whose statistics are asked for, and which of them is to be asked of the owner next so that the cache has them always.
 * Decisions, no I/O. One thread at a time. */
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ASKED_MOST = 1024, ASKED_ID_SIZE = 65 };
/* A sensor that somebody asked for, as it was named: by id or by code. Times are monotonic. */
struct asked_sensor {
    int32_t tenant_id;
    char id[ASKED_ID_SIZE];
    int64_t asked_us;    /* last */
    int64_t fresh_us;    /* when its answer was last made here; 0: never, or it is worthless since */
    int64_t tried_us;    /* when that was last tried */
    bool is_asked_again; /* who asks once costs the owner one question, not many */
};
struct asked_list {
    struct asked_sensor items[ASKED_MOST];
    size_t count;
};
/* Takes it up, in place of the one that was not asked for longest if there is no room. */
void asked_note(struct asked_list *list, int32_t tenant_id, const char *id, int64_t now_us);
/* What is kept of the tenant (0: of every one) is worthless. */
void asked_spoil(struct asked_list *list, int32_t tenant_id);
/* Of those asked for again and again whose answer will soon be too old, the one that was asked for last; it is marked
 * as made now. Those that nobody asks for any more are forgotten. False: none is due. */
MUST_CHECK bool asked_take_due(
    struct asked_list *list, int64_t keep_ms, int64_t now_us, struct asked_sensor *out_sensor);
/* "/sensors/x/statistics" gives x; false for another path. */
MUST_CHECK bool asked_parse_path(char out_id[ASKED_ID_SIZE], const char *path);
