/* A message for a worker: a sensor of it is not in memory, or a reading of it is bad, so that the registry must be
 * asked or the refusal kept. Everything is copied: the connection may go meanwhile. */
#pragma once
#include "session.h"

struct records_job {
    struct net_mail mail; /* goes back to the session */
    struct job job;
    struct app *app;
    struct directory_device device;
    struct position *position; /* refers to it until settled or abandoned */
    uint64_t number;           /* of the frame */
    uint64_t first;
    uint32_t count;
    uint8_t format;
    char peer[NET_PEER_SIZE];
    int64_t received_at;
    /* what became of it */
    bool is_settled; /* false: try again later */
    bool is_refused;
    struct err err;
    size_t size;
    char body[];
};
/* NULL without memory. done is called on the session's loop, and owns the job then. */
MUST_CHECK struct records_job *records_job_new(struct session *session, const struct incoming *message,
    void (*done)(void *context, struct net_connection *connection, struct net_mail *mail));
/* False when too many wait: the job stays the caller's. */
MUST_CHECK bool records_job_start(struct records_job *job);
/* Its frame is stored or refused: tells the position. Frees the job. */
void records_job_finish(struct records_job *job);
/* It was never settled: the position goes. Frees the job. */
void records_job_abandon(struct records_job *job);
