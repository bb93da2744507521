#include "session.h"
#include <stdlib.h>

void command_down(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct command *command = (struct command *)(void *)mail;
    struct session *session = connection ? net_state(connection) : NULL;
    (void)context;
    if (session && session->state == SESSION_OPEN && command_is_in_time(command)) {
        session_send(session, &(struct outgoing){ .type = MESSAGE_COMMAND,
                                  .id = command->id,
                                  .text = command->name,
                                  .payload = command->payload[0] ? command->payload : "{}" });
        command_tell_result(session->loop->app->events, &session->device, command->id, "sent", NULL);
    }
    free(command);
}

void command_replied(struct session *session, const struct incoming *message)
{
    if (!command_tell_reply(session->loop->app->events, &session->device, message->reply.id.bytes,
            message->reply.id.length, message->reply.body.bytes, message->reply.body.length))
        session_complain(session, COMPLAINT_PROTOCOL, "the reply names no command");
}
