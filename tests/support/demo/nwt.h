/* As much of NWT/1 (services/ingest-tcp/README.md) as a logger needs: log in with a token, send a record, wait until it
 * is acknowledged. */
#pragma once
#include "base/err.h"

struct nwt_logger {
    int fd; /* 0: not connected */
    uint64_t epoch, next;
};
/* Connects if need be; any failure ends the connection, so that the next call begins anew. payload: format 1, JSON. */
MUST_CHECK bool nwt_logger_send(
    struct nwt_logger *logger, int port, const char *token, const char *payload, struct err *err);
