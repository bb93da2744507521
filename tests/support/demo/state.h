/* What the demo keeps between starts: the loggers' tokens, and the environment file for people and scripts. Both
 * readable by the owner only. */
#pragma once
#include "base/err.h"
#include "network.h"

struct demo_state {
    char device_tokens[ZONE_COUNT][80]; /* "" until made */
    int tenant_id;
};
/* An absent file is an empty state. */
MUST_CHECK bool state_read(struct demo_state *state, const char *path, struct err *err);
MUST_CHECK bool state_write(const struct demo_state *state, const char *path, struct err *err);
/* Replaces a file as a whole. */
MUST_CHECK bool state_replace_file(const char *path, const char *text, size_t size, struct err *err);
