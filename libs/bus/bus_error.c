#include "bus/bus_internal.h"
#include <string.h>

static enum err_kind kind_of(natsStatus status)
{
    switch (status) {
    case NATS_TIMEOUT:
        return ERR_DEADLINE;
    case NATS_MAX_PAYLOAD:
    case NATS_INVALID_SUBJECT:
        return ERR_INPUT;
    case NATS_NO_MEMORY:
        return ERR_LIMIT;
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_CONNECTION_CLOSED: /* we retry for ever: only a refusal closes a connection that is in use */
    case NATS_NOT_PERMITTED:
    case NATS_ADDRESS_MISSING:
    case NATS_SSL_ERROR:
    case NATS_SECURE_CONNECTION_WANTED:
    case NATS_SECURE_CONNECTION_REQUIRED:
    case NATS_NO_SERVER_SUPPORT:
        return ERR_CONFIG;
    case NATS_INVALID_ARG:
    case NATS_INVALID_TIMEOUT:
    case NATS_INVALID_SUBSCRIPTION:
    case NATS_INVALID_QUEUE_NAME:
    case NATS_ILLEGAL_STATE:
        return ERR_BUG;
    default:
        return ERR_TRANSIENT;
    }
}

bool bus_fail(struct err *err, natsStatus status, const char *doing, const char *subject)
{
    return err_set(err, kind_of(status), "%s %s: %s", doing, subject, natsStatus_GetText(status));
}

static enum err_kind kind_of_api(natsStatus status, jsErrCode code)
{
    switch ((int)code) {
    case 0:
        return kind_of(status);
    case JSStreamNotFoundErr:
    case JSConsumerNotFoundErr:
        return ERR_NOT_FOUND;
    case JSInsufficientResourcesErr: /* the server cannot promise what is asked: its limits, or ours, must change */
    case JSStorageResourcesExceededErr:
    case JSMemoryResourcesExceededErr:
    case JSStreamInvalidConfig:
    case JSStreamSubjectOverlapErr:
    case JSNotEnabledForAccountErr:
    case JSAccountResourcesExceededErr:
    case JSMaximumConsumersLimitErr:
    case JSMaximumStreamsLimitErr:
        return ERR_CONFIG;
    default: /* the server is starting, choosing a leader, or busy */
        return ERR_TRANSIENT;
    }
}

bool bus_fail_api(struct err *err, natsStatus status, jsErrCode code, const char *doing, const char *name)
{
    natsStatus last = NATS_OK;
    const char *text = nats_GetLastError(&last);
    if (last != status || !text || strlen(text) == 0)
        text = natsStatus_GetText(status);
    return err_set(err, kind_of_api(status, code), "%s %s: %s (%d)", doing, name, text, (int)code);
}

bool bus_check_connected(natsConnection *connection, const char *doing, struct err *err)
{
    natsConnStatus status = natsConnection_Status(connection);
    if (status == NATS_CONN_STATUS_CONNECTED)
        return true;
    if (status == NATS_CONN_STATUS_CLOSED)
        return err_set(err, ERR_CONFIG, "%s: the bus refuses us, the connection is closed", doing);
    return err_set(err, ERR_TRANSIENT, "%s: the bus is away", doing);
}
