#include "fill.h"
#include "base/clock.h"
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "transcode/transcode.h"
#include <stdio.h>
#include <string.h>

enum { PAGE = 200, ARENA_BYTES = 16 * 1024 * 1024, PUT_WAIT_MS = 2000, PATH_SIZE = 256 };

/* One fill on its way. */
struct fill {
    struct filler *filler;
    struct rpc_caller caller;
    struct arena arena; /* of one page and what is asked for its things */
    int64_t began_us, deadline_us, left;
    struct fill_result *result;
};

/* What is asked, of whom, and which request of a caller it answers. */
struct question {
    const ProtobufCServiceDescriptor *service;
    const char *method;
    const ProtobufCMessage *request;
    enum cache_class class;
    const char *path;
    struct cache_parameter parameter; /* name NULL: none */
};

static bool stop(struct fill *fill, const char *reason)
{
    fill->result->reason = reason;
    return false;
}

static struct cache_question key_of(const struct fill *fill, const struct question *question, const char *path)
{
    return (struct cache_question){ .tenant_id = fill->caller.tenant_id,
        .scope = "",
        .path = path,
        .parameters = &question->parameter,
        .parameter_count = question->parameter.name ? 1 : 0 };
}

/* What stands in the cache from before the owner was asked. */
struct moment {
    struct cache_stamp stamp;
    int64_t began_us;
};

static bool begin(struct fill *fill, const struct question *question, struct moment *moment)
{
    int64_t now_us = clock_monotonic_us(), wait_us = pace_take(fill->filler->pace, now_us);
    if (now_us + wait_us > fill->deadline_us)
        return stop(fill, "time was up; what is left is warmed on schedule");
    clock_sleep_ms((wait_us + 999) / 1000);
    if (!fill->filler->may_go_on(fill->filler->context))
        return stop(fill, "another replica has taken over, or this one ends");
    if (!cache_stamp_now(fill->filler->cache, fill->caller.tenant_id, cache_kinds_read(question->path, question->class),
            &moment->stamp))
        return stop(fill, "the cache is not in use: Redis is away or the process has just joined");
    moment->began_us = clock_monotonic_us();
    return true;
}

/* Puts the message as the answer to the path; one that cannot be kept is no reason to stop. */
static bool put(struct fill *fill, const struct question *question, const struct moment *moment, const char *path,
    const ProtobufCMessage *message)
{
    AUTO_INPLACE(buffer) json = { .ceiling_bytes = CACHE_LARGEST_BODY };
    char etag[CACHE_ETAG_SIZE];
    struct err ignored = { 0 };
    const struct cache_question key = key_of(fill, question, path);
    if (!transcode_to_json(&json, message, &ignored) || !buffer_ok(&json))
        return true;
    cache_etag_make(etag, wire_version(message), json.data, json.size);
    if (!cache_put(fill->filler->cache, question->class, &key, &moment->stamp, moment->began_us, etag, json.data,
            json.size, PUT_WAIT_MS))
        return stop(fill, "Redis does not take answers as fast as they come");
    fill->result->keys++;
    return true;
}

/* The owner's answer, NULL if there is none (it may be gone meanwhile). False: stop. */
static bool ask(struct fill *fill, const struct question *question, struct moment *moment, ProtobufCMessage **out_reply)
{
    struct err err = { 0 };
    *out_reply = NULL;
    if (!begin(fill, question, moment))
        return false;
    if (rpc_call(fill->filler->bus, question->service, question->method, &fill->caller, question->request,
            fill->filler->call_ms, &fill->arena, out_reply, NULL, &err) ||
        err.kind == ERR_NOT_FOUND)
        return true;
    return stop(fill, "an owner does not answer");
}

static bool ask_and_put(struct fill *fill, const struct question *question)
{
    struct moment moment;
    ProtobufCMessage *reply;
    return ask(fill, question, &moment, &reply) && (!reply || put(fill, question, &moment, question->path, reply));
}

/* ---- municipalities ---- */

static bool fill_municipality(struct fill *fill, const Nwims__V1__Municipality *item)
{
    Nwims__V1__ById by_id = NWIMS__V1__BY_ID__INIT;
    char path[PATH_SIZE], summary[PATH_SIZE];
    by_id.id = item->id;
    snprintf(path, sizeof path, "/municipalities/%s", item->id);
    snprintf(summary, sizeof summary, "/municipalities/%s/summary", item->id);
    const struct question one = { &nwims__v1__registry__descriptor, "GetMunicipality", &by_id.base, CACHE_ENTITY, path,
        { 0 } };
    const struct question counts = { &nwims__v1__registry__descriptor, "GetMunicipalitySummary", &by_id.base,
        CACHE_SUMMARY, summary, { 0 } };
    return ask_and_put(fill, &one) && ask_and_put(fill, &counts);
}

static bool fill_municipality_page(struct fill *fill, char cursor[PATH_SIZE])
{
    Nwims__V1__ListMunicipalitiesRequest request = NWIMS__V1__LIST_MUNICIPALITIES_REQUEST__INIT;
    const struct question page = { &nwims__v1__registry__descriptor, "ListMunicipalities", &request.base, CACHE_LIST,
        "/municipalities", { 0 } };
    struct moment moment;
    ProtobufCMessage *reply;
    request.has_limit = true;
    request.limit = PAGE;
    request.cursor = *cursor ? cursor : NULL;
    if (!ask(fill, &page, &moment, &reply) || !reply)
        return false;
    const Nwims__V1__ListMunicipalitiesReply *list = (const Nwims__V1__ListMunicipalitiesReply *)reply;
    for (size_t i = 0; i < list->n_items && fill->left > 0; i++, fill->left--)
        if (!fill_municipality(fill, list->items[i]))
            return false;
    snprintf(cursor, PATH_SIZE, "%s", list->next_cursor ? list->next_cursor : "");
    return true;
}

static bool fill_first_municipalities(struct fill *fill)
{
    Nwims__V1__ListMunicipalitiesRequest request = NWIMS__V1__LIST_MUNICIPALITIES_REQUEST__INIT;
    const struct question page = { &nwims__v1__registry__descriptor, "ListMunicipalities", &request.base, CACHE_LIST,
        "/municipalities", { 0 } };
    return ask_and_put(fill, &page);
}

/* ---- sensors ---- */

/* A sensor in a list is all that GET /sensors/{id} shows of it, by id or by code: a page asks the owner once. */
static bool put_sensor(struct fill *fill, const struct moment *moment, const Nwims__V1__Sensor *sensor)
{
    const struct question one = { .class = CACHE_ENTITY };
    char by_id[PATH_SIZE], by_code[PATH_SIZE];
    snprintf(by_id, sizeof by_id, "/sensors/%s", sensor->id);
    snprintf(by_code, sizeof by_code, "/sensors/%s", sensor->code);
    return put(fill, &one, moment, by_id, &sensor->base) && put(fill, &one, moment, by_code, &sensor->base);
}

/* Of the sensor as callers name it; also_id: another name of it, or NULL. The owner is asked once. */
static bool fill_statistics(struct fill *fill, const char *id, const char *also_id)
{
    Nwims__V1__StatisticsRequest request = NWIMS__V1__STATISTICS_REQUEST__INIT;
    char path[PATH_SIZE], also_path[PATH_SIZE];
    struct moment moment;
    ProtobufCMessage *reply;
    snprintf(path, sizeof path, "/sensors/%s/statistics", id);
    snprintf(also_path, sizeof also_path, "/sensors/%s/statistics", also_id ? also_id : "");
    request.id = (char *)(uintptr_t)id;
    const struct question question = { &nwims__v1__history__descriptor, "GetStatistics", &request.base,
        CACHE_STATISTICS, path, { 0 } };
    if (!ask(fill, &question, &moment, &reply) || !reply)
        return !fill->result->reason;
    return put(fill, &question, &moment, path, reply) && (!also_id || put(fill, &question, &moment, also_path, reply));
}

static bool fill_sensor_page(struct fill *fill, enum warm_subject subject, char cursor[PATH_SIZE])
{
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    const struct question page = { &nwims__v1__registry__descriptor, "ListSensors", &request.base, CACHE_LIST,
        "/sensors", { 0 } };
    struct moment moment;
    ProtobufCMessage *reply;
    request.has_limit = true;
    request.limit = PAGE;
    request.state = wire_constant("active");
    request.cursor = *cursor ? cursor : NULL;
    if (!ask(fill, &page, &moment, &reply) || !reply)
        return false;
    const Nwims__V1__ListSensorsReply *list = (const Nwims__V1__ListSensorsReply *)reply;
    for (size_t i = 0; i < list->n_items && fill->left > 0; i++, fill->left--)
        if (!(subject == WARM_SENSORS ? put_sensor(fill, &moment, list->items[i])
                                      : fill_statistics(fill, list->items[i]->code, list->items[i]->id)))
            return false;
    snprintf(cursor, PATH_SIZE, "%s", list->next_cursor ? list->next_cursor : "");
    return true;
}

static bool fill_first_sensors(struct fill *fill)
{
    Nwims__V1__ListSensorsRequest all = NWIMS__V1__LIST_SENSORS_REQUEST__INIT, active = all;
    active.state = wire_constant("active");
    const struct question first = { &nwims__v1__registry__descriptor, "ListSensors", &all.base, CACHE_LIST, "/sensors",
        { 0 } };
    const struct question first_active = { &nwims__v1__registry__descriptor, "ListSensors", &active.base, CACHE_LIST,
        "/sensors", { "state", "active" } };
    return ask_and_put(fill, &first) && ask_and_put(fill, &first_active);
}

/* ---- all of it ---- */

static bool fill_first(struct fill *fill, enum warm_subject subject)
{
    return subject == WARM_STATISTICS ||
           (subject == WARM_SENSORS ? fill_first_sensors : fill_first_municipalities)(fill);
}

static bool fill_pages(struct fill *fill, enum warm_subject subject)
{
    char cursor[PATH_SIZE] = "";
    do {
        arena_reset(&fill->arena);
        if (!(subject == WARM_MUNICIPALITIES ? fill_municipality_page(fill, cursor)
                                             : fill_sensor_page(fill, subject, cursor)))
            return false;
    } while (*cursor && fill->left > 0);
    return !*cursor || stop(fill, "there are more than are warmed at a time: WARM_MOST, or what is asked for in the "
                                  "time that they are kept");
}

static const enum cache_class classes[WARM_SUBJECT_COUNT] = {
    [WARM_MUNICIPALITIES] = CACHE_ENTITY, [WARM_SENSORS] = CACHE_ENTITY, [WARM_STATISTICS] = CACHE_STATISTICS
};

static int64_t keep_ms_of(struct filler *filler, enum cache_class class)
{
    struct cache_policies policies;
    cache_policies_get(filler->cache, &policies);
    return policies.of[class].keep_ms;
}

/* Of answers that cost a question each and live shortly, only as many as are there together are worth their while. */
static int64_t most_of(const struct filler *filler, enum warm_subject subject, int64_t keep_ms)
{
    int64_t fit = pace_fits(filler->pace, keep_ms);
    return subject == WARM_STATISTICS && fit < filler->most ? fit : filler->most;
}

static void fill_begin(struct fill *fill, struct filler *filler, int32_t tenant_id, struct fill_result *out_result)
{
    *out_result = (struct fill_result){ 0 };
    *fill = (struct fill){ .filler = filler,
        .caller = { .tenant_id = tenant_id,
            .actor = "service:cache-warmer",
            .permissions = "municipalities:read sensors:read readings:read" },
        .began_us = clock_monotonic_us(),
        .deadline_us = INT64_MAX / 2,
        .result = out_result };
    trace_begin(&fill->caller.trace, NULL);
    arena_init(&fill->arena, ARENA_BYTES);
}

static void fill_end(struct fill *fill)
{
    arena_done(&fill->arena);
    fill->result->took_ms = (clock_monotonic_us() - fill->began_us) / 1000;
}

void fill_subject(struct filler *filler, int32_t tenant_id, enum warm_subject subject, const struct fill_limits *limits,
    struct fill_result *out_result)
{
    struct fill fill;
    int64_t keep_ms = keep_ms_of(filler, classes[subject]);
    fill_begin(&fill, filler, tenant_id, out_result);
    fill.deadline_us = limits->deadline_us;
    fill.left = most_of(filler, subject, keep_ms);
    if (subject == WARM_ALARMS)
        stop(&fill, "there are no alarms in this version: nothing to warm");
    else if (keep_ms == 0 || keep_ms < limits->least_keep_ms)
        stop(&fill, "its class is kept too shortly: see PUT /cache/policies");
    else
        out_result->is_complete = fill_first(&fill, subject) && fill_pages(&fill, subject);
    fill_end(&fill);
}

void fill_statistics_of(struct filler *filler, int32_t tenant_id, const char *id, struct fill_result *out_result)
{
    struct fill fill;
    fill_begin(&fill, filler, tenant_id, out_result);
    out_result->is_complete = fill_statistics(&fill, id, NULL);
    fill_end(&fill);
}
