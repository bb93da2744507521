#include "publish_job.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mqtt_text put(char **at, const struct mqtt_text *text)
{
    struct mqtt_text copy = { text->bytes ? *at : NULL, text->length };
    if (text->bytes && text->length > 0)
        memcpy(*at, text->bytes, text->length);
    *at += text->length;
    return copy;
}

/* What the readings came with; texts live as long as the job. */
static void fill_request(const struct publish_job *publish, struct arena *arena, struct rpc_caller *caller,
    struct intake_request *out_request)
{
    *caller = (struct rpc_caller){ .tenant_id = publish->device.tenant_id };
    snprintf(caller->actor, sizeof caller->actor, "device:%s", publish->device.device_id);
    if (!text_copy(caller->peer, sizeof caller->peer, publish->peer, strlen(publish->peer)))
        caller->peer[0] = '\0';
    trace_begin(&caller->trace, NULL);
    *out_request = (struct intake_request){ .caller = caller,
        .protocol = "mqtt",
        .device_id = publish->device.device_id,
        .content_type = payload_content_type(&publish->payload, arena),
        .body = publish->payload.bytes.bytes,
        .body_size = publish->payload.bytes.length,
        .received_at = publish->received_at,
        .mode = INTAKE_SKIP_BAD };
}

static void settle(struct publish_job *publish, uint8_t reason)
{
    publish->is_settled = true;
    publish->reason = reason;
}

static void take(struct publish_job *publish, struct arena *arena)
{
    struct app *app = publish->app;
    const struct payload_origin origin = { app->directory, &publish->device, publish->received_at, false };
    struct rpc_caller caller;
    struct intake_request request;
    struct raw_readings readings = { 0 };
    struct intake_result result = { 0 };
    publish->err = (struct err){ 0 };
    publish->is_settled = false;
    fill_request(publish, arena, &caller, &request);
    if (!payload_decode(&publish->payload, &origin, &readings, arena, &publish->err)) {
        if (publish->err.kind != ERR_INPUT && publish->err.kind != ERR_LIMIT)
            return;
        intake_refuse(app->intake, &request, "malformed", publish->err.text);
        settle(publish, MQTT_PAYLOAD_FORMAT_INVALID);
    } else if (intake_take(app->intake, &request, &readings, arena, &result, &publish->err)) {
        settle(publish, MQTT_SUCCESS);
    } else if (publish->err.kind == ERR_INPUT) {
        settle(publish, MQTT_PAYLOAD_FORMAT_INVALID);
    } else if (publish->err.kind == ERR_BUG) {
        log_error(NULL, "readings.failed", LOG_TEXT("device", publish->device.device_id), LOG_ERR(&publish->err));
    }
}

static void run(struct job *job, struct arena *arena)
{
    struct publish_job *publish = (struct publish_job *)(void *)((char *)job - offsetof(struct publish_job, job));
    take(publish, arena);
    net_post(publish->app->server, &publish->mail);
}

struct publish_job *publish_job_new(struct session *session, const struct payload *payload,
    void (*done)(void *context, struct net_connection *connection, struct net_mail *mail))
{
    size_t size = payload->topic.name.length + payload->content_type.length + payload->bytes.length;
    struct publish_job *publish = calloc(1, sizeof *publish + size + 1);
    if (!publish)
        return NULL;
    char *at = publish->bytes;
    publish->mail = (struct net_mail){ .to = session->handle, .handler = done };
    publish->job.run = run;
    publish->app = session->loop->app;
    publish->device = session->device;
    publish->received_at = clock_now_us();
    publish->payload.topic.kind = payload->topic.kind;
    publish->payload.topic.name = put(&at, &payload->topic.name);
    publish->payload.content_type = put(&at, &payload->content_type);
    publish->payload.bytes = put(&at, &payload->bytes);
    publish->payload.names = sparkplug_names_hold(payload->names);
    session_peer(session, publish->peer);
    return publish;
}

void publish_job_free(struct publish_job *job)
{
    if (job)
        sparkplug_names_drop(job->payload.names);
    free(job);
}

bool publish_job_start(struct publish_job *job)
{
    return workers_do(job->app->workers, &job->job);
}
