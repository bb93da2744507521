/* Keeps the statistics that are asked for fresh: each is made anew before its time is over, for as long as somebody
 * asks. A thread of its own. */
#pragma once
#include "fill.h"

struct freshener;
MUST_CHECK struct freshener *freshener_new(void); /* NULL: no memory */
void freshener_free(struct freshener *freshener); /* after stop; NULL is fine */
/* It asks with a filler like this one, whenever that may go on. */
MUST_CHECK bool freshener_start(struct freshener *freshener, const struct filler *filler, struct err *err);
void freshener_stop(struct freshener *freshener);
/* Somebody asked for the path. Any thread. */
void freshener_note(struct freshener *freshener, int32_t tenant_id, const char *path);
/* What was made is worthless, of the tenant or (0) of all. Any thread. */
void freshener_spoil(struct freshener *freshener, int32_t tenant_id);
