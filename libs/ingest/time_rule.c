#include "ingest/time_rule.h"
#include <math.h>

#define FIRST_SECOND (-62135596800.0) /* 0001-01-01 */
#define LAST_SECOND 253402300800.0    /* 10000-01-01 */
#define LEAST_AS_MILLISECONDS 1e11

/* Whole numbers exactly: times past the year 2255 in microseconds are beyond the whole numbers of a double. */
static int64_t scaled(double number, int64_t factor)
{
    return number == floor(number) ? (int64_t)number * factor : llround(number * (double)factor);
}

bool time_of_seconds(double seconds, int64_t *out_us)
{
    if (!(seconds >= FIRST_SECOND && seconds < LAST_SECOND))
        return false;
    *out_us = scaled(seconds, 1000000);
    return true;
}

bool time_of_number(double number, int64_t *out_us)
{
    if (number < LEAST_AS_MILLISECONDS)
        return time_of_seconds(number, out_us);
    if (!(number < LAST_SECOND * 1e3))
        return false;
    *out_us = scaled(number, 1000);
    return true;
}

/* Such clocks do not know the time (1970, 2000 after a flat battery), and what they measured is good all the same. */
static const char *take_our_time(int64_t received_at, uint32_t flag, bool is_uncertain, struct timing *out_timing)
{
    *out_timing =
        (struct timing){ .observed_at = received_at, .flags = flag, .is_uncertain = is_uncertain, .is_ours = true };
    return NULL;
}

const char *time_rule_apply(const struct intake_config *config, const struct raw_reading *reading, int64_t received_at,
    struct timing *out_timing)
{
    if (!reading->has_time)
        return take_our_time(received_at, READING_CLOCK_MISSING, false, out_timing);
    if (reading->observed_at < config->oldest_at)
        return config->keep_future ? take_our_time(received_at, READING_CLOCK_MISSING, true, out_timing)
                                   : "the time is before any reading that can be";
    if (reading->observed_at > received_at + config->future_ms * 1000)
        return config->keep_future ? take_our_time(received_at, READING_CLOCK_FUTURE, true, out_timing)
                                   : "the time is in the future: check the clock";
    *out_timing = (struct timing){ .observed_at = reading->observed_at };
    return NULL;
}
