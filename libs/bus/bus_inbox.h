/* Waits for answers that come later than a request's reply, from someone else: the committed result of a batch that was
 * published to a stream. One inbox a process; each expectation has a subject of its own below it. Any thread. */
#pragma once
#include "bus/bus.h"

struct bus_inbox;
struct bus_expectation;

/* ceiling: most expectations at once. */
MUST_CHECK bool bus_inbox_open(struct bus_inbox **out_inbox, struct bus *bus, size_t ceiling, struct err *err);
/* Its expectations must be closed before. */
void bus_inbox_close(struct bus_inbox *inbox);
AUTO_DEFINE(bus_inbox, bus_inbox_close)

/* ERR_LIMIT at the ceiling. */
MUST_CHECK bool bus_inbox_expect(struct bus_expectation **out_expectation, struct bus_inbox *inbox, struct err *err);
/* The subject to answer to. */
const char *bus_expectation_subject(const struct bus_expectation *expectation);
/* ERR_DEADLINE when nothing came. */
MUST_CHECK bool bus_expectation_wait(
    struct bus_expectation *expectation, int64_t timeout_ms, struct bus_message **out_message, struct err *err);
/* Answers that come after this are dropped. */
void bus_expectation_close(struct bus_expectation *expectation);
AUTO_DEFINE(bus_expectation, bus_expectation_close)
