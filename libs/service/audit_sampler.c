#include "service/audit_sampler.h"

enum { MOST_OF_A_KIND = 10, A_SECOND = 20, AT_ONCE = 200 };
static const int64_t minute_us = 60 * 1000000;

void audit_sampler_init(struct audit_sampler *sampler, int64_t now_us)
{
    *sampler = (struct audit_sampler){ .tokens = AT_ONCE, .filled_us = now_us };
}

static bool take_token(struct audit_sampler *sampler, int64_t now_us)
{
    sampler->tokens += (double)(now_us - sampler->filled_us) * A_SECOND / 1e6;
    sampler->filled_us = now_us;
    if (sampler->tokens > AT_ONCE)
        sampler->tokens = AT_ONCE;
    if (sampler->tokens < 1)
        return false;
    sampler->tokens -= 1;
    return true;
}

bool audit_sampler_take(struct audit_sampler *sampler, uint64_t kind, int64_t now_us, size_t *out_place)
{
    size_t place = kind % AUDIT_SAMPLER_PLACES;
    *out_place = place;
    if (sampler->places[place].kind != kind) {
        sampler->unplaced += sampler->places[place].suppressed;
        sampler->places[place].suppressed = 0;
    }
    if (sampler->places[place].kind != kind || now_us - sampler->places[place].since_us >= minute_us) {
        sampler->places[place].kind = kind;
        sampler->places[place].since_us = now_us;
        sampler->places[place].taken = 0;
    }
    if (sampler->places[place].taken < MOST_OF_A_KIND && take_token(sampler, now_us)) {
        sampler->places[place].taken++;
        return true;
    }
    sampler->places[place].suppressed++;
    return false;
}

uint64_t audit_sampler_collect(struct audit_sampler *sampler, size_t place)
{
    uint64_t suppressed = sampler->places[place].suppressed;
    sampler->places[place].suppressed = 0;
    return suppressed;
}

uint64_t audit_sampler_collect_unplaced(struct audit_sampler *sampler)
{
    uint64_t suppressed = sampler->unplaced;
    sampler->unplaced = 0;
    return suppressed;
}
