#include "base/number.h"
#include "base/text.h"
#include "rpc/rpc_internal.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A line break would end the header and begin one that the caller chose. */
static bool is_header_text(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool add_header(struct rpc_call_headers *headers, const char *name, const char *value, struct err *err)
{
    if (!*value)
        return true;
    if (!is_header_text(value))
        return err_set(err, ERR_INPUT, "%s holds a control character", name);
    headers->list[headers->count++] = (struct bus_header){ name, value };
    return true;
}

bool rpc_caller_to_headers(
    struct rpc_call_headers *out_headers, const struct rpc_caller *caller, int64_t deadline_ms, struct err *err)
{
    struct trace trace;
    *out_headers = (struct rpc_call_headers){ 0 };
    if (caller->trace.trace_id[0])
        trace_child(&trace, &caller->trace);
    else
        trace_begin(&trace, NULL);
    trace_format(out_headers->traceparent, &trace);
    if (caller->tenant_id > 0)
        snprintf(out_headers->tenant, sizeof out_headers->tenant, "%" PRId32, caller->tenant_id);
    snprintf(out_headers->deadline, sizeof out_headers->deadline, "%" PRId64, deadline_ms);
    return add_header(out_headers, "traceparent", out_headers->traceparent, err) &&
           add_header(out_headers, "Nwims-Tenant", out_headers->tenant, err) &&
           add_header(out_headers, "Nwims-Actor", caller->actor, err) &&
           add_header(out_headers, "Nwims-Permissions", caller->permissions, err) &&
           add_header(out_headers, "Nwims-Scope", caller->scope, err) &&
           add_header(out_headers, "Nwims-Idempotency-Key", caller->idempotency_key, err) &&
           add_header(out_headers, "Nwims-If-Match", caller->if_match, err) &&
           add_header(out_headers, "Nwims-Request-Id", caller->request_id, err) &&
           add_header(out_headers, "Nwims-Peer", caller->peer, err) &&
           add_header(out_headers, "Nwims-Deadline-Ms", out_headers->deadline, err);
}

static bool read_text(char *target, size_t size, const struct bus_message *message, const char *name, struct err *err)
{
    const char *value = bus_message_header(message, name);
    if (value && !text_copy(target, size, value, strlen(value)))
        return err_set(err, ERR_INPUT, "%s is longer than %zu bytes", name, size - 1);
    return true;
}

static bool read_tenant(int32_t *out_tenant_id, const struct bus_message *message, struct err *err)
{
    const char *text = bus_message_header(message, "Nwims-Tenant");
    int64_t value = 0;
    if (text && (!number_parse_int(text, strlen(text), &value) || value < 0 || value > INT32_MAX))
        return err_set(err, ERR_INPUT, "Nwims-Tenant is no tenant");
    *out_tenant_id = (int32_t)value;
    return true;
}

bool rpc_caller_from_message(struct rpc_caller *out_caller, const struct bus_message *message, struct err *err)
{
    struct trace sender;
    *out_caller = (struct rpc_caller){ 0 };
    trace_begin(&sender, bus_message_header(message, "traceparent"));
    trace_child(&out_caller->trace, &sender);
    return read_tenant(&out_caller->tenant_id, message, err) &&
           read_text(out_caller->actor, sizeof out_caller->actor, message, "Nwims-Actor", err) &&
           read_text(out_caller->permissions, sizeof out_caller->permissions, message, "Nwims-Permissions", err) &&
           read_text(out_caller->scope, sizeof out_caller->scope, message, "Nwims-Scope", err) &&
           read_text(out_caller->idempotency_key, sizeof out_caller->idempotency_key, message, "Nwims-Idempotency-Key",
               err) &&
           read_text(out_caller->if_match, sizeof out_caller->if_match, message, "Nwims-If-Match", err) &&
           read_text(out_caller->request_id, sizeof out_caller->request_id, message, "Nwims-Request-Id", err) &&
           read_text(out_caller->peer, sizeof out_caller->peer, message, "Nwims-Peer", err);
}

int64_t rpc_deadline_ms(const struct bus_message *message)
{
    const char *text = bus_message_header(message, "Nwims-Deadline-Ms");
    int64_t value;
    if (!text || !number_parse_int(text, strlen(text), &value))
        return RPC_PRESET_DEADLINE_MS;
    return value > RPC_LONGEST_DEADLINE_MS ? RPC_LONGEST_DEADLINE_MS : value;
}

bool rpc_subject(char subject[RPC_SUBJECT_SIZE], const ProtobufCServiceDescriptor *service, const char *name)
{
    int length = snprintf(subject, RPC_SUBJECT_SIZE, "rpc.%s.%s", service->short_name, name);
    if (length < 0 || length >= RPC_SUBJECT_SIZE)
        return false;
    for (char *c = subject; *c && c < subject + strlen("rpc.") + strlen(service->short_name); c++)
        *c = (char)tolower((unsigned char)*c);
    return true;
}

static bool scope_names(const char *scope, char kind, const char *id)
{
    size_t length = id ? strlen(id) : 0;
    for (const char *at = scope; length > 0 && *at;) {
        size_t entry = strcspn(at, " ");
        if (entry == length + 2 && at[0] == kind && at[1] == ':' && strncasecmp(at + 2, id, length) == 0)
            return true;
        at += entry + (at[entry] == ' ');
    }
    return false;
}

bool rpc_scope_has(const struct rpc_caller *caller, const char *region_id, const char *municipality_id)
{
    return !*caller->scope || scope_names(caller->scope, 'm', municipality_id) ||
           scope_names(caller->scope, 'r', region_id);
}
