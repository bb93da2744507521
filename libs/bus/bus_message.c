#include "bus/bus_internal.h"
#include "bus/bus_position.h"
#include "bus/bus_subject.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

const char *bus_message_subject(const struct bus_message *message)
{
    return natsMsg_GetSubject(nats_message(message));
}

const void *bus_message_data(const struct bus_message *message)
{
    return natsMsg_GetData(nats_message(message));
}

size_t bus_message_size(const struct bus_message *message)
{
    return (size_t)natsMsg_GetDataLength(nats_message(message));
}

const char *bus_message_header(const struct bus_message *message, const char *name)
{
    const char *value = NULL;
    return natsMsgHeader_Get(nats_message(message), name, &value) == NATS_OK ? value : NULL;
}

void bus_message_close(struct bus_message *message)
{
    natsMsg_Destroy(nats_message(message));
}

/* ---- building ---- */
static bool put_header(natsMsg *message, const char *name, const char *value, struct err *err)
{
    if (!bus_header_is_valid(name, value))
        return err_set(err, ERR_INPUT, "header %.40s cannot be sent", name ? name : "without a name");
    natsStatus status = natsMsgHeader_Set(message, name, value);
    return status == NATS_OK || bus_fail(err, status, "setting header", name);
}

static bool put_headers(natsMsg *message, const struct bus_outgoing *outgoing, const char *message_id, struct err *err)
{
    for (size_t i = 0; i < outgoing->header_count; i++)
        if (!put_header(message, outgoing->headers[i].name, outgoing->headers[i].value, err))
            return false;
    return !message_id || put_header(message, "Nats-Msg-Id", message_id, err);
}

bool bus_outgoing_build(natsMsg **out_message, const struct bus_outgoing *outgoing, const char *reply,
    const char *message_id, struct err *err)
{
    natsMsg *message = NULL;
    if (!bus_subject_is_valid(outgoing->subject))
        return err_set(
            err, ERR_INPUT, "\"%.80s\" is no subject to send to", outgoing->subject ? outgoing->subject : "");
    if (outgoing->size > INT_MAX)
        return err_set(err, ERR_INPUT, "%s: %zu bytes are too many", outgoing->subject, outgoing->size);
    natsStatus status = natsMsg_Create(
        &message, outgoing->subject, reply, outgoing->size > 0 ? outgoing->data : "", (int)outgoing->size);
    if (status != NATS_OK)
        return bus_fail(err, status, "building a message to", outgoing->subject);
    if (!put_headers(message, outgoing, message_id, err)) {
        natsMsg_Destroy(message);
        return false;
    }
    *out_message = message;
    return true;
}

/* ---- settling what a pull consumer gave ---- */
bool bus_message_position(const struct bus_message *message, struct bus_position *out_position, struct err *err)
{
    return bus_position_parse(natsMsg_GetReply(nats_message(message)), out_position) ||
           err_set(err, ERR_INPUT, "%s does not come from a stream", bus_message_subject(message));
}

/* By a plain publish: natsMsg_Ack crashes on a message that js_PullSubscribe did not give. While the bus is away it
 * stays in the connection's buffer and goes out after. */
static bool settle(struct bus *bus, const struct bus_message *message, const char *verdict, struct err *err)
{
    const char *reply = natsMsg_GetReply(nats_message(message));
    if (!bus_reply_is_ack(reply))
        return err_set(err, ERR_INPUT, "%s does not come from a stream", bus_message_subject(message));
    natsStatus status = natsConnection_Publish(bus->control, reply, verdict, (int)strlen(verdict));
    return status == NATS_OK || bus_fail(err, status, "settling a message of", bus_message_subject(message));
}

bool bus_message_ack(struct bus *bus, const struct bus_message *message, struct err *err)
{
    return settle(bus, message, "+ACK", err);
}

bool bus_message_nak(struct bus *bus, const struct bus_message *message, int64_t delay_ms, struct err *err)
{
    char verdict[64];
    if (delay_ms <= 0)
        return settle(bus, message, "-NAK", err);
    if (delay_ms > INT64_MAX / 1000000)
        return err_set(err, ERR_BUG, "a delay of %" PRId64 " ms is too long", delay_ms);
    snprintf(verdict, sizeof verdict, "-NAK {\"delay\": %" PRId64 "}", delay_ms * 1000000);
    return settle(bus, message, verdict, err);
}

bool bus_message_term(struct bus *bus, const struct bus_message *message, struct err *err)
{
    return settle(bus, message, "+TERM", err);
}

bool bus_message_in_progress(struct bus *bus, const struct bus_message *message, struct err *err)
{
    return settle(bus, message, "+WPI", err);
}
