#include "subject.h"
#include <string.h>

static const struct {
    const char *name;
    const char *path; /* what its answers depend on is what the answers from there do */
    enum cache_class class;
} subjects[WARM_SUBJECT_COUNT] = {
    [WARM_MUNICIPALITIES] = { "municipalities", "/municipalities/x/summary", CACHE_SUMMARY },
    [WARM_SENSORS] = { "active_sensors", "/sensors/x", CACHE_ENTITY },
    [WARM_STATISTICS] = { "sensor_statistics", "/sensors/x/statistics", CACHE_STATISTICS },
    [WARM_ALARMS] = { "critical_alerts", "/alerts", CACHE_LIST },
};

const char *warm_subject_name(enum warm_subject subject)
{
    return subjects[subject].name;
}

bool warm_subject_parse(const char *name, enum warm_subject *out_subject)
{
    for (enum warm_subject subject = 0; subject < WARM_SUBJECT_COUNT; subject++)
        if (strcmp(subjects[subject].name, name) == 0) {
            *out_subject = subject;
            return true;
        }
    return false;
}

unsigned warm_subjects_of(unsigned kinds)
{
    unsigned found = 0;
    for (unsigned subject = 0; subject < WARM_SUBJECT_COUNT; subject++)
        if ((WARM_BY_ITSELF & 1u << subject) &&
            cache_kinds_read(subjects[subject].path, subjects[subject].class) & kinds)
            found |= 1u << subject;
    return found;
}
