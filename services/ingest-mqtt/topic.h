/* What a topic means here. Pure. Who publishes is known from the connection, never from the topic; a topic that names
 * another tenant or device is refused. */
#pragma once
#include "mqtt_packet.h"

enum topic_kind {
    TOPIC_UNKNOWN,
    TOPIC_FOREIGN,          /* one of ours, of another tenant or device        */
    TOPIC_READINGS,         /* nwims/v1/me/up                                  */
    TOPIC_READING,          /* nwims/v1/me/up/<sensor>: a bare number           */
    TOPIC_RAW,              /* nwims/v1/me/raw: bytes by the device's profile  */
    TOPIC_COMMAND_REPLY,    /* nwims/v1/me/cmdack/<command id>                  */
    TOPIC_TB_TELEMETRY,     /* v1/devices/me/telemetry                          */
    TOPIC_TB_GATEWAY,       /* v1/gateway/telemetry                             */
    TOPIC_TB_COMMAND_REPLY, /* v1/devices/me/rpc/response/<command id>          */
    TOPIC_SPARKPLUG,        /* spBv1.0/<group>/<message>/<node>[/<device>]      */
    TOPIC_IGNORED,          /* state, attributes, a bridge's $SYS notifications */
    /* to subscribe to */
    TOPIC_COMMANDS,    /* nwims/v1/me/cmd              */
    TOPIC_TB_COMMANDS, /* v1/devices/me/rpc/request/+  */
    TOPIC_HOST_STATE,  /* spBv1.0/STATE/<host>, STATE/<host>: whether we are there */
    TOPIC_QUIET,       /* nothing is ever sent on it, or only what belongs to the connection */
};
struct topic {
    enum topic_kind kind;
    struct mqtt_text name; /* the sensor, the command's id, what follows spBv1.0/, the topic of the host's state */
};
/* Whose connection it is. */
struct topic_owner {
    int32_t tenant_id;
    const char *device_id;
    const char *device_code; /* "" if not known */
};
/* nwims/v1/me/... is short for nwims/v1/<tenant id>/<device id or code>/... */
struct topic topic_of_publish(const struct mqtt_text *name, const struct topic_owner *owner);
/* TOPIC_COMMANDS, TOPIC_TB_COMMANDS, TOPIC_HOST_STATE, TOPIC_QUIET; TOPIC_FOREIGN and TOPIC_UNKNOWN are refused. */
struct topic topic_of_filter(const struct mqtt_text *filter, const struct topic_owner *owner);
