/* What could not be taken: told to the sender reading by reading, kept in the stream REFUSED, counted. Inside
 * libs/ingest only. */
#pragma once
#include "ingest/intake.h"

enum refusal_reason {
    REFUSAL_UNKNOWN_SENSOR,
    REFUSAL_DISABLED_SENSOR,
    REFUSAL_FOREIGN_SENSOR,
    REFUSAL_UNKNOWN_UNIT,
    REFUSAL_BAD_VALUE,
    REFUSAL_BAD_TIME,
    REFUSAL_MALFORMED,
    REFUSAL_REASONS
};
const char *refusal_reason_name(enum refusal_reason reason);

/* The bad readings of one request. */
struct refusals {
    struct arena *arena;
    struct intake_fault *faults;
    size_t fault_count;
    int64_t total;
    int64_t by_reason[REFUSAL_REASONS];
    const char *first_detail[REFUSAL_REASONS];
};
MUST_CHECK bool refusals_init(struct refusals *refusals, struct arena *arena, size_t reading_count, struct err *err);
/* The detail is made only while there is room for faults: a hundred thousand bad readings must not take a hundred
 * thousand texts. */
void refusals_add(struct refusals *refusals, size_t index, enum refusal_reason reason, const char *field,
    const char *format, ...) PRINTF_LIKE(5, 6);

/* Where they are kept and counted; one a process. */
struct metric;
struct refusal_sink {
    struct bus *bus;
    struct metric *refused[REFUSAL_REASONS];
    struct metric *beside; /* good ones that all-or-nothing did not take */
    struct metric *unkept;
};
void refusal_sink_init(struct refusal_sink *sink, struct bus *bus);
/* The request has its time. readings 0: nobody knows how many. */
void refusal_sink_keep(struct refusal_sink *sink, const struct intake_request *request, const char *codec,
    enum refusal_reason reason, const char *detail, int64_t readings);
/* Counts them all, keeps one message a reason; of all-or-nothing one in all, for every reading of the request. */
void refusal_sink_take(struct refusal_sink *sink, const struct intake_request *request, const char *codec,
    int64_t received, const struct refusals *refusals);
