/* What is warmed, and when a change makes it worth while. Decisions, no I/O. */
#pragma once
#include "cache/cache_class.h"

enum warm_subject {
    WARM_MUNICIPALITIES, /* each, its summary, and the first page of all */
    WARM_SENSORS,        /* each that is active, and the first pages      */
    WARM_STATISTICS,     /* of each active sensor                         */
    WARM_ALARMS,         /* critical ones: has a name, and no alarms yet  */
    WARM_SUBJECT_COUNT
};
/* What is warmed without being asked for, if it is kept for so long that it is there still when somebody asks. */
enum { WARM_BY_ITSELF = 1 << WARM_MUNICIPALITIES | 1 << WARM_SENSORS | 1 << WARM_STATISTICS, WARM_WORTH_MS = 10000 };
enum { WARM_EVERYTHING = (1 << WARM_SUBJECT_COUNT) - 1 };

const char *warm_subject_name(enum warm_subject subject); /* "active_sensors" */
MUST_CHECK bool warm_subject_parse(const char *name, enum warm_subject *out_subject);
/* Those warmed without being asked for, as bits, whose answers a change of these kinds made worthless. */
unsigned warm_subjects_of(unsigned kinds);
