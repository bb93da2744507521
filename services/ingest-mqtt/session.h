/* One connection of a device, from CONNECT to its end. On its loop's thread only; what the roster reads of it from
 * other threads does not change after login. */
#pragma once
#include "ack_queue.h"
#include "base/uuid.h"
#include "complaints.h"
#include "ingest_mqtt.h"
#include "topic.h"

enum session_state {
    SESSION_NEW,        /* nothing but CONNECT may come */
    SESSION_LOGGING_IN, /* a worker asks who it is      */
    SESSION_OPEN,
    SESSION_LEAVING, /* we go: nothing more is read, goodbye when all is acknowledged */
    SESSION_OVER,
};
struct will {
    struct mqtt_text topic, payload; /* into bytes */
    uint8_t qos;
    char bytes[];
};
/* A command on its way to the device. */
struct command_flight {
    struct command_flight *next;
    uint16_t packet_id;
    char command_id[UUID_TEXT_SIZE];
};
struct session {
    struct front_loop *loop;
    struct net_connection *connection;
    struct net_handle handle;
    struct roster_entry entry;
    enum session_state state;
    enum mqtt_version version;
    struct directory_device device;
    struct uuid id; /* of this connection, in presence events */
    char *client_id;
    struct will *will;
    struct ack_queue acks;
    struct command_flight *flights;
    char *command_topic; /* NULL: not subscribed */
    uint8_t command_qos;
    bool takes_tb_commands;
    uint8_t tb_command_qos;
    uint16_t last_packet_id;  /* of ours */
    uint16_t receive_maximum; /* the client's */
    int64_t keep_alive_ms;    /* 0: none */
    int64_t resume_at_us;     /* 0: not waiting */
    int64_t heard_at_us, seen_at_us, last_reading_at;
    int64_t recheck_at_us;     /* 0: not */
    struct edge_node *node;    /* NULL: it has sent nothing of Sparkplug */
    struct publish_job *retry; /* a message that a worker could not get stored: at resume_at_us once more */
    bool is_busy;              /* a worker has a message of it, or its login: nothing is read meanwhile */
    bool is_window_full;       /* read no further until something is acknowledged */
    bool has_said_goodbye;
    const char *why_ended; /* for presence: client, keep-alive, taken-over, revoked, drain, error */
};
MUST_CHECK struct session *session_new(struct front_loop *loop, struct net_connection *connection);
void session_free(struct session *session);
struct topic_owner session_owner(const struct session *session);
void session_peer(const struct session *session, char text[NET_PEER_SIZE]);

/* Sends what out holds and empties it. */
void session_send(struct session *session);
/* Counts and logs it, says it in the protocol's own way as far as the version has one, ends the connection. */
void session_refuse(struct session *session, enum complaint complaint, enum mqtt_reason reason, const char *problem);
/* The same without the end. */
void session_complain(struct session *session, enum complaint complaint, const char *problem);
/* No fault of the client's: with a DISCONNECT (version 5) of this reason and text (which some clients need to see the
 * reason at all); why is for presence. */
void session_end(struct session *session, enum mqtt_reason reason, const char *text, const char *why);
/* Sets the connection's timer to what comes first: keep-alive, the end of the credential, resuming. */
void session_arm_timer(struct session *session);
/* Reads no further until session_resume, or for ms. */
void session_wait(struct session *session, int64_t ms);
void session_resume(struct session *session);
/* A message has been settled: sends the acknowledgements that are next. */
void session_settle(struct session *session, uint64_t number, uint8_t reason);
/* While leaving: goodbye as soon as nothing is open. */
void session_leave_if_done(struct session *session);
/* The device is there: an event of this kind (connected, disconnected, seen). */
void session_tell_presence(struct session *session, const char *kind);
