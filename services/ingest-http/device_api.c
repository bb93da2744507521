#include "base/clock.h"
#include "base/json_writer.h"
#include "base/time_text.h"
#include "ingest_http.h"
#include <string.h>

#define COMMAND_BEGIN "/ingest/v1/commands/"
#define TELEMETRY_BEGIN "/api/v1/"
#define TELEMETRY_END "/telemetry"
#define NOTHING_HERE                                                                                                   \
    "Devices post to /ingest/v1/readings, /write or /api/v2/write (InfluxDB), /api/v1/<token>/telemetry "              \
    "(ThingsBoard); GET /time tells the time."

/* For devices without a clock of their own. */
static void answer_time(struct http_request *request)
{
    AUTO_INPLACE(buffer) json = { 0 };
    struct json_writer writer;
    char text[TIME_TEXT_SIZE];
    int64_t now_us = clock_now_us();
    time_text_format(text, now_us);
    json_writer_init(&writer, &json);
    json_begin_object(&writer);
    json_put_text(&writer, "time", text);
    json_put_int(&writer, "unix_ms", now_us / 1000);
    json_end_object(&writer);
    http_respond(request, 200, "application/json", json.data, json.size);
}

/* Influx clients look whether somebody is there before they write, and what it can do. */
static void answer_ping(struct http_request *request)
{
    http_respond_header(request, "X-Influxdb-Version", "1.8");
    http_respond(request, 204, NULL, NULL, 0);
}

static void answer_health(struct http_request *request)
{
    static const char health[] = "{\"name\":\"influxdb\",\"message\":\"ready for writes\",\"status\":\"pass\"}";
    http_respond(request, 200, "application/json", health, sizeof health - 1);
}

static const struct path {
    const char *path, *method;
    const struct door *door; /* or a short answer */
    void (*answer)(struct http_request *request);
} paths[] = {
    { "/ingest/v1/readings", "POST", &readings_door, NULL },
    { "/ingest/v1/batch", "POST", &readings_door, NULL },
    { "/ingest/v1/commands", "GET", &commands_door, NULL },
    { "/write", "POST", &influx_door, NULL },
    { "/api/v2/write", "POST", &influx_door, NULL },
    { "/time", "GET", NULL, answer_time },
    { "/ping", "GET", NULL, answer_ping },
    { "/health", "GET", NULL, answer_health },
};
static const struct path telemetry_path = { "", "POST", &thingsboard_door, NULL };
static const struct path command_path = { "", "POST", &command_door, NULL };

/* The token of /api/v1/<token>/telemetry, in the arena; NULL if the path is another. */
static const char *token_of_path(struct http_request *request)
{
    const char *path = http_request_path(request);
    size_t length = strlen(path), begin = sizeof TELEMETRY_BEGIN - 1, end = sizeof TELEMETRY_END - 1;
    if (length <= begin + end || strncmp(path, TELEMETRY_BEGIN, begin) != 0 ||
        strcmp(path + length - end, TELEMETRY_END) != 0)
        return NULL;
    size_t token = length - begin - end;
    return memchr(path + begin, '/', token) ? NULL : arena_text_n(http_request_arena(request), path + begin, token);
}

static const struct path *find_path(struct http_request *request, struct delivery *delivery)
{
    const char *path = http_request_path(request);
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        if (strcmp(path, paths[i].path) == 0)
            return &paths[i];
    if (strncmp(path, COMMAND_BEGIN, sizeof COMMAND_BEGIN - 1) == 0) {
        delivery->command_id = path + sizeof COMMAND_BEGIN - 1;
        return &command_path;
    }
    delivery->path_token = token_of_path(request);
    return delivery->path_token ? &telemetry_path : NULL;
}

/* Without the path: a token may stand in it. */
static const struct problem nothing_here = { .status = 404, .detail = NOTHING_HERE, .instance = "" };
static const struct problem other_method = {
    .status = 405, .detail = "This path takes another method: see the Allow header.", .instance = ""
};

void device_handle(void *context, struct http_request *request)
{
    struct delivery delivery = { .app = context, .request = request };
    const struct path *path = find_path(request, &delivery);
    const char *method = http_request_method(request);
    bool is_head = path && path->answer && strcmp(method, "HEAD") == 0;
    if (!path) {
        problem_respond(request, &nothing_here);
        return;
    }
    if (strcmp(method, path->method) != 0 && !is_head) {
        http_respond_header(request, "Allow", path->method);
        problem_respond(request, &other_method);
        return;
    }
    if (path->answer) {
        path->answer(request);
        return;
    }
    delivery.door = path->door;
    if (login(&delivery))
        delivery_take(&delivery);
    explicit_bzero(&delivery.device.key, sizeof delivery.device.key);
}
