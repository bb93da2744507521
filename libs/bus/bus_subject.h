/* Which texts may become part of the line protocol: a space or a line end from a device would become a command of ours.
 */
#pragma once
#include "base/compiler.h"

/* A subject to send to: tokens of printable characters between dots, none empty, no wildcards. */
MUST_CHECK bool bus_subject_is_valid(const char *subject);
/* The same with wildcards as whole tokens, for subscriptions. */
MUST_CHECK bool bus_pattern_is_valid(const char *pattern);
/* Names are printable and without a colon, values without line ends. */
MUST_CHECK bool bus_header_is_valid(const char *name, const char *value);
/* Of a stream or a durable: one token without wildcards. */
MUST_CHECK bool bus_name_is_valid(const char *name);
