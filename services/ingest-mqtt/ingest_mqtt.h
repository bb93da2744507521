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
#include "mqtt_packet.h"
#include "net/net.h"
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
struct app {
    struct ingest_mqtt_config config;
    struct service *service;
    struct directory *directory;
    struct intake *intake;
    struct failure_gate *failures;
    struct psk_door psk_door;
    struct workers *workers;
    struct event_outlet *events;
    struct audit_trail *trail;
    struct roster *roster;
    struct command_feed *commands;
    struct net_tls *tls;
    struct net_server *server;
    struct front_loop *loops;
    struct metric *sessions, *unacknowledged, *held, *packets[MQTT_TYPES];
};
struct session;

/* ---- front.c: what libs/net calls, and packets to whom they belong ---- */
extern const struct net_protocol front_protocol;
void front_metrics(struct app *app);
/* gather_config.settled and .wake; context: the loop. */
void front_settled(void *context, const struct gather_ticket *tickets, size_t count, const struct err *err);
void front_wake(void *context);
/* directory_changed: those concerned look again. context: the app. */
void front_recheck(void *context, const char *device_id, const char *credential_id);

/* ---- login.c ---- */
void login_begin(struct session *session, const struct mqtt_connect *connect);
/* On the loop: asks the directory once more whether the session may stay. */
void login_check_again(struct session *session);

/* ---- publish.c ---- */
/* False if it cannot be taken now: the same packet comes again when the session is resumed. */
MUST_CHECK bool publish_take(struct session *session, const struct mqtt_publish *publish);
/* A message that a worker could not get stored, once more. */
void publish_again(struct session *session);
/* The last words of a device that went without goodbye. */
void publish_will(struct session *session);

/* ---- subscribe.c ---- */
void subscribe_take(struct session *session, const struct mqtt_subscribe *subscribe, bool subscribes);

/* ---- command.c: what devices are to do ---- */
/* command_feed_config.handler */
void command_down(void *context, struct net_connection *connection, struct net_mail *mail);
/* The device has the command (PUBACK of a packet of ours). */
void command_arrived(struct session *session, uint16_t packet_id);
/* The device says what became of it. */
void command_replied(struct session *session, const struct mqtt_text *command_id, const struct mqtt_text *payload);
