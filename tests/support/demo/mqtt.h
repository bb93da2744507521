/* As much of an MQTT 3.1.1 client as a logger needs: connect, publish with QoS 1, wait for the acknowledgement. */
#pragma once
#include "base/err.h"

struct mqtt_logger {
    int fd; /* 0: not connected */
    unsigned packet_id;
};
/* Connects if need be; any failure ends the connection, so that the next call begins anew. */
MUST_CHECK bool mqtt_logger_send(struct mqtt_logger *logger, int port, const char *client_id, const char *token,
    const char *topic, const char *payload, struct err *err);
