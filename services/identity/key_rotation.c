#include "key_rotation.h"

enum key_step key_rotation_step(int64_t active_age_ms, int64_t next_age_ms, int64_t rotation_ms)
{
    if (active_age_ms < 0)
        return next_age_ms < 0 ? KEY_STEP_MAKE_ACTIVE : KEY_STEP_PROMOTE;
    if (next_age_ms < 0)
        return active_age_ms >= rotation_ms - KEY_PUBLISHED_AHEAD_MS ? KEY_STEP_MAKE_NEXT : KEY_STEP_NONE;
    return active_age_ms >= rotation_ms && next_age_ms >= KEY_PUBLISHED_AHEAD_MS ? KEY_STEP_PROMOTE : KEY_STEP_NONE;
}
