/* What a device that holds no connection is to do: in the answers to what it posts (commands_put), or asked for by
 * GET /ingest/v1/commands; what became of it comes by POST /ingest/v1/commands/{id}. */
#include "base/time_text.h"
#include "front/command_feed.h"
#include "ingest_http.h"
#include <string.h>

enum { MOST_AT_ONCE = 8, PUBLISH_MS = 5000 };

static void put_command(struct json_writer *writer, const struct pending_command *command)
{
    char time[TIME_TEXT_SIZE];
    json_begin_object(writer);
    json_put_text(writer, "id", command->id);
    json_put_text(writer, "name", command->name);
    json_key(writer, "payload");
    json_raw(writer, command->payload, strlen(command->payload));
    if (command->expires_at > 0) {
        time_text_format(time, command->expires_at);
        json_put_text(writer, "expires_at", time);
    }
    json_end_object(writer);
}

/* Given out is sent: whether it arrived the device says. */
void commands_put(const struct delivery *delivery, struct json_writer *writer, bool always)
{
    struct pending_command commands[MOST_AT_ONCE];
    struct app *app = delivery->app;
    size_t count =
        pending_take(app->pending, &delivery->device, http_request_arena(delivery->request), commands, MOST_AT_ONCE);
    if (count == 0 && !always)
        return;
    json_key(writer, "commands");
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        put_command(writer, &commands[i]);
        if (commands[i].is_first)
            command_tell_result(app->events, &delivery->device, commands[i].id, "sent", NULL);
    }
    json_end_array(writer);
}

static void list(struct delivery *delivery)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    commands_put(delivery, &writer, true);
    json_end_object(&writer);
    if (buffer_ok(&json))
        http_respond(delivery->request, 200, "application/json", json.data, json.size);
    else
        door_problem(delivery, 503, "busy", "There is no memory for the answer just now.");
}

static void take_reply(struct delivery *delivery)
{
    struct app *app = delivery->app;
    struct err err = { 0 };
    const char *id = delivery->command_id;
    if (!command_send_reply(
            app->bus, &delivery->device, id, strlen(id), delivery->body, delivery->size, PUBLISH_MS, &err)) {
        door_fail(delivery, &err);
        return;
    }
    pending_forget(app->pending, delivery->device.device_id, id);
    http_respond(delivery->request, 204, NULL, NULL, 0);
}

static bool prepare(struct delivery *delivery)
{
    (void)delivery;
    return true;
}

const struct door commands_door = {
    .problem = problem_respond, .prepare = prepare, .handle = list, .most_bytes = COMMAND_LONGEST_RESULT
};
const struct door command_door = {
    .problem = problem_respond, .prepare = prepare, .handle = take_reply, .most_bytes = COMMAND_LONGEST_RESULT
};
