/* What is warmed, and when a change makes it worth while. Decisions, no I/O. Alarms will be one more subject when there
 * are any. */
#pragma once
#include "cache/cache_class.h"

enum warm_subject {
    WARM_MUNICIPALITIES, /* each, its summary, and the first page of all */
    WARM_SENSORS,        /* each that is active, and the first pages      */
    WARM_STATISTICS,     /* of each active sensor                         */
    WARM_SUBJECT_COUNT
};
enum { WARM_EVERYTHING = (1 << WARM_SUBJECT_COUNT) - 1, WARM_WORTH_MS = 10000 };

const char *warm_subject_name(enum warm_subject subject); /* "active_sensors" */
MUST_CHECK bool warm_subject_parse(const char *name, enum warm_subject *out_subject);
/* The subjects, as bits, whose answers a change of these kinds made worthless. */
unsigned warm_subjects_of(unsigned kinds);
/* Whether answers that are kept so long are worth filling in beforehand: they ought to be there still when somebody
 * asks. */
static inline bool warm_is_worth(int64_t keep_ms)
{
    return keep_ms >= WARM_WORTH_MS;
}
