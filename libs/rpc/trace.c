#include "base/text.h"
#include "base/uuid.h"
#include "rpc/rpc.h"
#include <string.h>

/* Where the parts of "00-<32 hex>-<16 hex>-<2 hex>" begin. */
enum { TRACE_ID_AT = 3, SPAN_ID_AT = 36, FLAGS_AT = 53, TRACEPARENT_LENGTH = 55 };

/* The standard asks for lower case. */
static bool is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

static bool is_zero(const char *text, size_t length)
{
    return strspn(text, "0") >= length;
}

static bool is_traceparent(const char *text)
{
    size_t length = strnlen(text, TRACEPARENT_LENGTH + 1);
    if (length < TRACEPARENT_LENGTH || !is_hex(text, 2) || strncmp(text, "ff", 2) == 0)
        return false;
    /* A later version may add fields behind a hyphen; version 00 may not. */
    if (length > TRACEPARENT_LENGTH && (strncmp(text, "00", 2) == 0 || text[TRACEPARENT_LENGTH] != '-'))
        return false;
    return text[TRACE_ID_AT - 1] == '-' && is_hex(text + TRACE_ID_AT, 32) && !is_zero(text + TRACE_ID_AT, 32) &&
           text[SPAN_ID_AT - 1] == '-' && is_hex(text + SPAN_ID_AT, 16) && !is_zero(text + SPAN_ID_AT, 16) &&
           text[FLAGS_AT - 1] == '-' && is_hex(text + FLAGS_AT, 2);
}

/* size bytes of randomness as hex; never all zero, which means "none". */
static void random_hex(char *target, size_t size)
{
    unsigned char bytes[16];
    random_numbers(bytes, size);
    bytes[0] |= 1;
    text_hex(target, bytes, size);
}

bool trace_begin(struct trace *trace, const char *traceparent)
{
    *trace = (struct trace){ .flags = "01" };
    if (!traceparent || !is_traceparent(traceparent)) {
        random_hex(trace->trace_id, 16);
        random_hex(trace->span_id, 8);
        return false;
    }
    memcpy(trace->trace_id, traceparent + TRACE_ID_AT, 32);
    memcpy(trace->span_id, traceparent + SPAN_ID_AT, 16);
    memcpy(trace->flags, traceparent + FLAGS_AT, 2);
    return true;
}

void trace_child(struct trace *child, const struct trace *parent)
{
    *child = *parent;
    random_hex(child->span_id, 8);
}

void trace_format(char text[TRACEPARENT_SIZE], const struct trace *trace)
{
    memcpy(text, "00-", TRACE_ID_AT);
    memcpy(text + TRACE_ID_AT, trace->trace_id, 32);
    text[SPAN_ID_AT - 1] = '-';
    memcpy(text + SPAN_ID_AT, trace->span_id, 16);
    text[FLAGS_AT - 1] = '-';
    memcpy(text + FLAGS_AT, trace->flags, 2);
    text[TRACEPARENT_LENGTH] = '\0';
}
