#include "records_job.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "formats.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the readings came with; texts live as long as the job. */
static void fill_request(
    const struct records_job *records, struct rpc_caller *caller, struct intake_request *out_request)
{
    const char *media_type = format_media_type(records->format);
    *caller = (struct rpc_caller){ .tenant_id = records->device.tenant_id };
    snprintf(caller->actor, sizeof caller->actor, "device:%s", records->device.device_id);
    if (!text_copy(caller->peer, sizeof caller->peer, records->peer, strlen(records->peer)))
        caller->peer[0] = '\0';
    trace_begin(&caller->trace, NULL);
    *out_request = (struct intake_request){ .caller = caller,
        .protocol = "tcp",
        .device_id = records->device.device_id,
        .content_type = media_type ? media_type : "application/octet-stream",
        .body = records->body,
        .body_size = records->size,
        .received_at = records->received_at,
        .mode = INTAKE_SKIP_BAD };
}

static void take(struct records_job *records, struct arena *arena)
{
    struct app *app = records->app;
    const struct device_body body = {
        .device = &records->device, .bytes = records->body, .size = records->size, .received_at = records->received_at
    };
    struct rpc_caller caller;
    struct intake_request request;
    struct raw_readings readings = { 0 };
    struct intake_result result = { 0 };
    records->err = (struct err){ 0 };
    records->is_settled = records->is_refused = false;
    fill_request(records, &caller, &request);
    if (!format_decode(records->format, &readings, arena, app->directory, body, &records->err)) {
        if (records->err.kind != ERR_INPUT && records->err.kind != ERR_LIMIT)
            return;
        intake_refuse(app->intake, &request, "malformed", records->err.text);
        records->is_settled = records->is_refused = true;
    } else if (intake_take(app->intake, &request, &readings, arena, &result, &records->err)) {
        records->is_settled = true;
    } else if (records->err.kind == ERR_INPUT) {
        records->is_settled = records->is_refused = true;
    } else if (records->err.kind == ERR_BUG) {
        log_error(NULL, "readings.failed", LOG_TEXT("device", records->device.device_id), LOG_ERR(&records->err));
    }
}

static void run(struct job *job, struct arena *arena)
{
    struct records_job *records = (struct records_job *)(void *)((char *)job - offsetof(struct records_job, job));
    take(records, arena);
    net_post(records->app->server, &records->mail);
}

struct records_job *records_job_new(struct session *session, const struct incoming *message,
    void (*done)(void *context, struct net_connection *connection, struct net_mail *mail))
{
    size_t size = message->data.body.length;
    struct records_job *records = calloc(1, sizeof *records + size + 1);
    if (!records)
        return NULL;
    records->mail = (struct net_mail){ .to = session->handle, .handler = done };
    records->job.run = run;
    records->app = session->loop->app;
    records->device = session->device;
    records->received_at = clock_now_us();
    records->position = session->position;
    records->first = message->sequence;
    records->count = message->data.count;
    records->format = message->data.format;
    records->size = size;
    if (size > 0)
        memcpy(records->body, message->data.body.bytes, size);
    session_peer(session, records->peer);
    return records;
}

bool records_job_start(struct records_job *job)
{
    return workers_do(job->app->workers, &job->job);
}

void records_job_finish(struct records_job *job)
{
    position_settle(job->position, job->number);
    free(job);
}

void records_job_abandon(struct records_job *job)
{
    position_abandon(job->position);
    free(job);
}
