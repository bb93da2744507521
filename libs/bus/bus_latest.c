#include "bus/bus_internal.h"
#include "bus/bus_puback.h"
#include <inttypes.h>
#include <stdio.h>

bool bus_latest(struct bus *bus, const char *stream, const char *subject, struct bus_message **out_message,
    uint64_t *out_sequence, struct err *err)
{
    natsMsg *message = NULL;
    jsErrCode code = 0;
    if (!bus_check_connected(bus->control, subject, err))
        return false;
    natsStatus status = js_GetLastMsg(&message, bus->streams, stream, subject, NULL, &code);
    if (status == NATS_NOT_FOUND || code == JSNoMessageFoundErr)
        return err_set(err, ERR_NOT_FOUND, "nothing was published to %s", subject);
    if (status != NATS_OK)
        return bus_fail_api(err, status, code, "reading", subject);
    *out_sequence = natsMsg_GetSequence(message);
    *out_message = bus_message_from(message);
    return true;
}

bool bus_replace(struct bus *bus, const struct bus_outgoing *value, const char *message_id, uint64_t last_sequence,
    int64_t timeout_ms, uint64_t *out_sequence, struct err *err)
{
    natsMsg *built = NULL, *reply = NULL;
    struct bus_puback puback;
    char expected[24];
    snprintf(expected, sizeof expected, "%" PRIu64, last_sequence);
    const struct bus_header header = { "Nats-Expected-Last-Subject-Sequence", expected };
    const struct bus_outgoing outgoing = { value->subject, value->data, value->size, &header, 1 };
    if (!bus_check_connected(bus->control, value->subject, err) ||
        !bus_outgoing_build(&built, &outgoing, NULL, message_id, err))
        return false;
    natsStatus status = natsConnection_RequestMsg(&reply, bus->control, built, timeout_ms);
    natsMsg_Destroy(built);
    if (status != NATS_OK)
        return bus_fail(err, status, "publishing to", value->subject);
    bool ok = bus_puback_parse(natsMsg_GetData(reply), (size_t)natsMsg_GetDataLength(reply), &puback, err);
    natsMsg_Destroy(reply);
    if (!ok)
        return err_wrap(err, "publishing to %s", value->subject);
    *out_sequence = puback.sequence;
    return true;
}
