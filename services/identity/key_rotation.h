/* When a signing key follows another: the next one is published before it signs, the old one stays published after.
 * Decisions, no I/O. */
#pragma once
#include "base/compiler.h"

/* The next key is public for this long before anything is signed with it, so that everybody has fetched it. */
enum { KEY_PUBLISHED_AHEAD_MS = 10 * 60 * 1000 };

enum key_step {
    KEY_STEP_NONE,
    KEY_STEP_MAKE_ACTIVE, /* there is none: the first start */
    KEY_STEP_MAKE_NEXT,
    KEY_STEP_PROMOTE, /* next becomes active, active becomes old */
};
/* Ages in ms, -1: there is no such key. */
enum key_step key_rotation_step(int64_t active_age_ms, int64_t next_age_ms, int64_t rotation_ms);
