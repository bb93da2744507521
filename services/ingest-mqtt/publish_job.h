/* A message for a worker: a sensor of it is not in memory, or a reading of it is bad, so that the registry must be
 * asked or the refusal kept. Everything is copied: the connection may go meanwhile. */
#pragma once
#include "ingest_mqtt.h"
#include "payload.h"

struct publish_job {
    struct net_mail mail; /* goes back to the session; to.number 0: nobody is there any more */
    struct job job;
    struct app *app;
    struct directory_device device;
    char peer[NET_PEER_SIZE];
    int64_t received_at;
    struct payload payload; /* into bytes */
    uint64_t number;        /* of the acknowledgement; when has_number */
    bool has_number;
    /* what became of it */
    bool is_settled; /* false: try again later */
    uint8_t reason;
    struct err err;
    char bytes[];
};
/* NULL without memory. done is called on the session's loop, and owns the job then. */
MUST_CHECK struct publish_job *publish_job_new(struct session *session, const struct payload *payload,
    void (*done)(void *context, struct net_connection *connection, struct net_mail *mail));
void publish_job_free(struct publish_job *job);
/* False when too many wait. */
MUST_CHECK bool publish_job_start(struct publish_job *job);
