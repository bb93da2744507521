/* Commands to devices that are connected here: follows events.<tenant>.command and posts each to the connections of its
 * device. What is not sent the registry tries again. */
#pragma once
#include "base/uuid.h"
#include "bus/bus.h"
#include "front/event_outlet.h"
#include "front/roster.h"

enum { COMMAND_LONGEST_NAME = 128, COMMAND_LONGEST_RESULT = 16 * 1024 };
/* A copy for one connection. */
struct command {
    struct net_mail mail;
    char id[UUID_TEXT_SIZE];
    char name[COMMAND_LONGEST_NAME];
    int64_t expires_at; /* 0: never */
    char payload[];     /* JSON, or "" */
};
struct command_feed_config {
    const char *protocol; /* commands of other protocols are others' */
    struct roster *roster;
    struct net_server *server;
    /* On the connection's loop; frees the command (mail is its first member). */
    void (*handler)(void *context, struct net_connection *connection, struct net_mail *mail);
};
struct command_feed;
MUST_CHECK bool command_feed_open(
    struct command_feed **out_feed, struct bus *bus, const struct command_feed_config *config, struct err *err);
void command_feed_close(struct command_feed *feed);
MUST_CHECK bool command_is_in_time(const struct command *command);
/* events.<tenant>.command-result. state: sent, delivered, acknowledged, failed; result NULL: none. */
void command_tell_result(struct event_outlet *outlet, const struct directory_device *device, const char *command_id,
    const char *state, const char *result);
/* What the device says became of it, stored when this returns: for those whose devices are answered then. ERR_INPUT if
 * the id is none; else the errors of bus_publish. */
MUST_CHECK bool command_send_reply(struct bus *bus, const struct directory_device *device, const char *command_id,
    size_t id_length, const char *reply, size_t reply_length, int64_t timeout_ms, struct err *err);
/* What the device says became of it: JSON in which "ok": false or an "error" means that it failed. False if the id is
 * none. */
MUST_CHECK bool command_tell_reply(struct event_outlet *outlet, const struct directory_device *device,
    const char *command_id, size_t id_length, const char *reply, size_t reply_length);
