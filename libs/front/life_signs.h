/* When a device that holds no connection is to be said to be there: at most once a minute each, whatever it sends.
 * Bounded: of two devices that meet in one place one is passed over in that minute; they meet in another in the next.
 * Any thread. */
#pragma once
#include "base/compiler.h"
#include <stdint.h>

struct life_signs;
MUST_CHECK struct life_signs *life_signs_new(void);
void life_signs_free(struct life_signs *signs);
/* Whether this is the device's first sign in this minute of now_us. */
MUST_CHECK bool life_signs_is_first(struct life_signs *signs, const char *device_id, int64_t now_us);
