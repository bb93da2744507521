#include "base/number.h"
#include "nwims/v1/common.pb-c.h"
#include "rpc/rpc_internal.h"
#include <string.h>

static bool send_request(struct bus *bus, const struct bus_outgoing *outgoing, int64_t timeout_ms,
    struct bus_message **out_reply, struct err *err)
{
    if (timeout_ms <= 0)
        return err_set(err, ERR_DEADLINE, "no time is left for %s", outgoing->subject);
    return bus_request(bus, outgoing, timeout_ms, out_reply, err) || err_wrap(err, "%s", outgoing->subject);
}

/* The body has the whole text and the violations, the header the text for those that cannot read the body. */
static bool read_failure(const struct bus_message *reply, int status, struct arena *arena,
    struct Nwims__V1__Failure **out_failure, struct err *err)
{
    const char *text = bus_message_header(reply, RPC_HEADER_MESSAGE);
    ProtobufCMessage *message;
    struct err ignored = { 0 };
    if (wire_decode(&message, arena, &nwims__v1__failure__descriptor, bus_message_data(reply), bus_message_size(reply),
            &ignored)) {
        Nwims__V1__Failure *failure = (Nwims__V1__Failure *)message;
        if (failure->message && *failure->message)
            text = failure->message;
        if (out_failure)
            *out_failure = failure;
    }
    return err_set(err, rpc_kind_of(status), "%s", text ? text : "failed without a word");
}

static bool read_reply(const struct bus_message *reply, const ProtobufCMethodDescriptor *method, struct arena *arena,
    ProtobufCMessage **out_reply, struct Nwims__V1__Failure **out_failure, struct err *err)
{
    const char *header = bus_message_header(reply, RPC_HEADER_STATUS);
    int64_t status;
    if (!header || !number_parse_int(header, strlen(header), &status) || status < 0 || status > 16)
        return err_set(err, ERR_BUG, "%s: the reply has no " RPC_HEADER_STATUS, method->name);
    if (status != 0)
        return read_failure(reply, (int)status, arena, out_failure, err);
    if (wire_decode(out_reply, arena, method->output, bus_message_data(reply), bus_message_size(reply), err))
        return true;
    /* What the owner sent is not the fault of who called us. */
    if (err->kind == ERR_INPUT)
        err->kind = ERR_BUG;
    return err_wrap(err, "reply of %s", method->name);
}

static const struct rpc_caller nobody;

bool rpc_call(struct bus *bus, const ProtobufCServiceDescriptor *service, const char *method,
    const struct rpc_caller *caller, const ProtobufCMessage *request, int64_t timeout_ms, struct arena *arena,
    ProtobufCMessage **out_reply, struct Nwims__V1__Failure **out_failure, struct err *err)
{
    const ProtobufCMethodDescriptor *described = protobuf_c_service_descriptor_get_method_by_name(service, method);
    char subject[RPC_SUBJECT_SIZE];
    struct rpc_call_headers headers;
    AUTO_INPLACE(buffer) body = { .ceiling_bytes = WIRE_LARGEST_MESSAGE };
    AUTO(bus_message) reply = NULL;
    if (out_failure)
        *out_failure = NULL;
    if (!described || request->descriptor != described->input || !rpc_subject(subject, service, described->name))
        return err_set(
            err, ERR_BUG, "%s has no method %s of %s", service->short_name, method, request->descriptor->short_name);
    if (!rpc_caller_to_headers(&headers, caller ? caller : &nobody, timeout_ms, err) ||
        !wire_encode(&body, request, err))
        return err_wrap(err, "%s", subject);
    struct bus_outgoing outgoing = { subject, body.data, body.size, headers.list, headers.count };
    return send_request(bus, &outgoing, timeout_ms, &reply, err) &&
           read_reply(reply, described, arena, out_reply, out_failure, err);
}
