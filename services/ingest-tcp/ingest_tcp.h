/* The program's state, and how its parts call each other. A connection is a struct session (session.h); all that
 * happens to it happens on its loop's thread. */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "front/command_feed.h"
#include "front/event_outlet.h"
#include "front/psk_door.h"
#include "front/roster.h"
#include "front/workers.h"
#include "ingest/failure_gate.h"
#include "ingest/gather.h"
#include "ingest/intake.h"
#include "net/net.h"
#include "poller.h"
#include "positions.h"
#include "service/audit_trail.h"
#include "settings.h"

/* What one loop's thread has to itself. */
struct front_loop {
    struct app *app;
    int index;
    struct gather *gather; /* NULL once it is taken away at the end */
    struct arena arena;    /* reset before each message */
    struct buffer out;
};
enum { MOST_LISTENERS = 4 };
struct app {
    struct ingest_tcp_config config;
    struct service *service;
    struct directory *directory;
    struct intake *intake;
    struct audit_trail *trail;
    struct failure_gate *failures;
    struct psk_door psk_door;
    struct workers *workers;
    struct event_outlet *events;
    struct roster *roster;
    struct command_feed *commands;
    struct net_tls *tls;
    struct net_server *server;
    struct positions *positions;
    struct poller *poller; /* NULL: no Modbus device may be reached */
    struct front_loop *loops;
    bool is_line[MOST_LISTENERS]; /* by listener: lines of JSON */
    size_t listener_count;
    struct metric *sessions, *held, *messages[MESSAGE_TYPES], *records, *repeated;
};
struct session;

/* ---- front.c: what libs/net calls, and messages to whom they belong ---- */
extern const struct net_protocol front_protocol;
void front_metrics(struct app *app);
/* gather_config.settled and .wake; context: the loop. */
void front_settled(void *context, const struct gather_ticket *tickets, size_t count, const struct err *err);
void front_wake(void *context);
/* directory_changed: those concerned look again. context: the app. */
void front_recheck(void *context, const char *device_id, const char *credential_id);

/* ---- login.c ---- */
void login_hello(struct session *session, const struct hello *hello);
/* The answer to our challenge. */
void login_auth(struct session *session, const struct text *mac);
/* On the loop: asks the directory once more whether the session may stay. */
void login_check_again(struct session *session);

/* ---- records.c ---- */
/* False if it cannot be taken now: the same message comes again when the session is resumed. */
MUST_CHECK bool records_take(struct session *session, const struct incoming *message);
/* A message that a worker could not get stored, once more. */
void records_again(struct session *session);
/* position_moved */
void records_moved(struct net_connection *connection, const struct position_state *state);

/* ---- command.c ---- */
/* command_feed_config.handler */
void command_down(void *context, struct net_connection *connection, struct net_mail *mail);
void command_replied(struct session *session, const struct incoming *message);
