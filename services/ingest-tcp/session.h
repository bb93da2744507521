/* One connection of a device, from HELLO to its end. On its loop's thread only; what the roster reads of it from other
 * threads does not change after login. */
#pragma once
#include "base/uuid.h"
#include "complaints.h"
#include "ingest_tcp.h"
#include "nwt.h"

enum session_state {
    SESSION_NEW,        /* nothing but HELLO may come */
    SESSION_LOGGING_IN, /* a worker asks who it is    */
    SESSION_CHALLENGED, /* nothing but AUTH may come  */
    SESSION_OPEN,
    SESSION_LEAVING, /* we go: nothing more is read, goodbye when all is acknowledged */
    SESSION_OVER,
};
struct login; /* what is remembered between HELLO and WELCOME */
struct session {
    struct front_loop *loop;
    struct net_connection *connection;
    struct net_handle handle;
    struct roster_entry entry;
    enum session_state state;
    bool is_line; /* lines of JSON, else frames */
    struct nwt_guard guard;
    struct directory_device device;
    struct uuid id; /* of this connection, in presence events */
    struct login *login;
    struct position *position; /* NULL before WELCOME */
    uint64_t told;             /* position_state.written as of the last ACK */
    int64_t keep_alive_ms;
    int64_t resume_at_us; /* 0: not waiting */
    int64_t heard_at_us, seen_at_us, last_reading_at;
    int64_t recheck_at_us;        /* 0: not */
    int64_t tell_gaps_at_us;      /* 0: nothing is untold */
    struct records_job *retry;    /* a message that a worker could not get stored: at resume_at_us once more */
    bool is_busy;                 /* a worker has a message of it, or its login: nothing is read meanwhile */
    bool is_window_full;          /* read no further until something is acknowledged */
    bool is_paused, is_in_roster; /* is_paused: it was told so */
    const char *why_ended;        /* for presence: client, keep-alive, taken-over, revoked, drain, error */
};
MUST_CHECK struct session *session_new(struct front_loop *loop, struct net_connection *connection, bool is_line);
void session_free(struct session *session);
void session_peer(const struct session *session, char text[NET_PEER_SIZE]);

void session_send(struct session *session, const struct outgoing *message);
/* Counts and logs it, says BYE, ends the connection. */
void session_refuse(struct session *session, enum complaint complaint, enum bye_code code, const char *problem);
/* The same without the end. */
void session_complain(struct session *session, enum complaint complaint, const char *problem);
/* No fault of the device's: BYE with this code; why is for presence. */
void session_end(struct session *session, enum bye_code code, const char *text, const char *why);
/* Sets the connection's timer to what comes first: keep-alive, the end of the credential, resuming. */
void session_arm_timer(struct session *session);
/* Reads no further until session_resume, or for ms. */
void session_wait(struct session *session, int64_t ms);
void session_resume(struct session *session);
/* While leaving: goodbye as soon as nothing is open. */
void session_leave_if_done(struct session *session);
/* The device is there: an event of this kind (connected, disconnected, seen). */
void session_tell_presence(struct session *session, const char *kind);
/* Those who are told to wait together do not come back together: ms to twice as many. */
int64_t session_about(int64_t ms);
