#include "front/life_signs.h"
#include "base/text.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 65536 };
static const int64_t minute_us = 60 * 1000000;

/* Each place holds the minute of its last sign, from 1. */
struct life_signs {
    _Atomic uint32_t minutes[PLACES];
};

struct life_signs *life_signs_new(void)
{
    return calloc(1, sizeof(struct life_signs));
}

void life_signs_free(struct life_signs *signs)
{
    free(signs);
}

/* Devices whose places are near in one minute are not in the next: all bits are mixed twice. */
static size_t place_of(const char *device_id, uint32_t minute)
{
    uint64_t at = text_hash(device_id, strlen(device_id)) ^ minute * UINT64_C(0x9e3779b97f4a7c15);
    at = (at ^ at >> 32) * UINT64_C(0xd6e8feb86659fd93);
    at = (at ^ at >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return (size_t)(at >> 48) % PLACES;
}

bool life_signs_is_first(struct life_signs *signs, const char *device_id, int64_t now_us)
{
    uint32_t minute = (uint32_t)(now_us / minute_us) + 1;
    return atomic_exchange(&signs->minutes[place_of(device_id, minute)], minute) != minute;
}
