/* A connection as an edge node of Sparkplug B: what its births said, whether a message is missing, asking it to begin
 * anew. */
#pragma once
#include "payload.h"
#include "session.h"

struct edge_node {
    struct sparkplug_names *names;
    char *command_topic; /* spBv1.0/<group>/NCMD/<node> */
    bool is_born;
    uint8_t next_sequence;
    int64_t asked_at_us; /* for a rebirth */
    /* of the message that was heard last, until it is counted */
    bool is_birth, has_sequence, misses_names;
    uint8_t sequence;
};
enum edge_outcome {
    EDGE_VALUES,  /* readings are in it          */
    EDGE_NOTHING, /* a death, or only control    */
    EDGE_MALFORMED,
    EDGE_NO_TOPIC, /* no node publishes on this topic */
};
/* Learns from births. May be called again for the same message, if it could not be taken. */
enum edge_outcome edge_node_hear(struct session *session, const struct payload *payload, struct err *err);
/* The message that was heard last is taken: looks for gaps, asks for a rebirth where one is needed. */
void edge_node_count(struct session *session);
/* Answers a subscription to a host's state: we are there. */
void edge_node_tell_state(struct session *session, const struct mqtt_text *topic);
void edge_node_free(struct edge_node *node);
