#include "bus/bus_internal.h"
#include "bus/bus_puback.h"

bool bus_request(struct bus *bus, const struct bus_outgoing *request, int64_t timeout_ms,
    struct bus_message **out_reply, struct err *err)
{
    natsMsg *message = NULL;
    natsMsg *reply = NULL;
    if (timeout_ms <= 0)
        return err_set(err, ERR_DEADLINE, "asking %s: no time was left", request->subject);
    if (!bus_check_connected(bus->control, request->subject, err) ||
        !bus_outgoing_build(&message, request, NULL, NULL, err))
        return false;
    natsStatus status = natsConnection_RequestMsg(&reply, bus->control, message, timeout_ms);
    natsMsg_Destroy(message);
    if (status != NATS_OK)
        return bus_fail(err, status, "asking", request->subject);
    *out_reply = bus_message_from(reply);
    return true;
}

static bool publish_control(struct bus *bus, const struct bus_outgoing *outgoing, struct err *err)
{
    natsMsg *message = NULL;
    if (!bus_check_connected(bus->control, outgoing->subject, err) ||
        !bus_outgoing_build(&message, outgoing, NULL, NULL, err))
        return false;
    natsStatus status = natsConnection_PublishMsg(bus->control, message);
    natsMsg_Destroy(message);
    return status == NATS_OK || bus_fail(err, status, "publishing to", outgoing->subject);
}

bool bus_reply(struct bus *bus, const struct bus_message *request, const void *data, size_t size,
    const struct bus_header *headers, size_t header_count, struct err *err)
{
    const char *subject = natsMsg_GetReply(nats_message(request));
    if (!subject)
        return err_set(err, ERR_INPUT, "%s: nobody waits for a reply", bus_message_subject(request));
    struct bus_outgoing reply = { subject, data, size, headers, header_count };
    return publish_control(bus, &reply, err);
}

bool bus_publish_plain(struct bus *bus, const struct bus_outgoing *message, struct err *err)
{
    return publish_control(bus, message, err);
}

static bool read_puback(natsMsg *reply, struct bus_place *out_place, struct err *err)
{
    struct bus_puback puback;
    if (!bus_puback_parse(natsMsg_GetData(reply), (size_t)natsMsg_GetDataLength(reply), &puback, err))
        return false;
    *out_place = (struct bus_place){ .sequence = puback.sequence, .is_duplicate = puback.is_duplicate };
    return true;
}

bool bus_publish(struct bus *bus, const struct bus_outgoing *message, const char *message_id, int64_t timeout_ms,
    bool *is_duplicate, struct err *err)
{
    struct bus_place place = { 0 };
    if (!bus_publish_at(bus, message, message_id, timeout_ms, &place, err))
        return false;
    if (is_duplicate)
        *is_duplicate = place.is_duplicate;
    return true;
}

bool bus_publish_at(struct bus *bus, const struct bus_outgoing *message, const char *message_id, int64_t timeout_ms,
    struct bus_place *out_place, struct err *err)
{
    natsMsg *built = NULL;
    natsMsg *reply = NULL;
    if (timeout_ms <= 0)
        return err_set(err, ERR_DEADLINE, "publishing to %s: no time was left", message->subject);
    if (!bus_check_connected(bus->control, message->subject, err) ||
        !bus_outgoing_build(&built, message, NULL, message_id, err))
        return false;
    natsStatus status = natsConnection_RequestMsg(&reply, bus->control, built, timeout_ms);
    natsMsg_Destroy(built);
    if (status != NATS_OK)
        return bus_fail(err, status, "publishing to", message->subject);
    bool ok = read_puback(reply, out_place, err);
    natsMsg_Destroy(reply);
    return ok || err_wrap(err, "publishing to %s", message->subject);
}
