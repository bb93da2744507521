/* The program's state, and the way of a request: device_api.c finds the door, login.c who stands there, delivery.c
 * takes what was brought, and the door answers in the words that its callers know. */
#pragma once
#include "base/json_writer.h"
#include "front/event_outlet.h"
#include "front/life_signs.h"
#include "http/body_budget.h"
#include "http/http_server.h"
#include "http/problem.h"
#include "ingest/failure_gate.h"
#include "ingest/intake.h"
#include "pending.h"
#include "repeat_memory.h"
#include "settings.h"
#include "signature.h"

struct app {
    struct ingest_http_config config;
    struct service *service;
    struct bus *bus;
    struct directory *directory;
    struct intake *intake;
    struct failure_gate *failures;
    struct repeat_memory *repeats;
    struct audit_trail *trail;
    struct event_outlet *events;
    struct life_signs *life_signs;
    struct pending *pending;
    struct body_budget bodies;
    struct http_server *server;
};

struct delivery;
/* One API that devices speak: how it writes what it does not like, how its bodies are read, what it says to those that
 * were taken. */
struct door {
    void (*problem)(struct http_request *request, const struct problem *problem);
    /* False after it has answered: a content type or a parameter that is none. */
    bool (*prepare)(struct delivery *delivery);
    bool (*decode)(const struct delivery *delivery, struct raw_readings *out_readings, struct err *err);
    void (*taken)(const struct delivery *delivery, const struct intake_result *result);
    /* None was taken, each for its reason. */
    void (*none_taken)(const struct delivery *delivery, const struct intake_result *result);
    /* Instead of these where no readings come. */
    void (*handle)(struct delivery *delivery);
    int64_t most_bytes; /* of its bodies; 0: as configured */
};
extern const struct door readings_door, influx_door, thingsboard_door, commands_door, command_door;

/* One request on its way in. */
struct delivery {
    struct app *app;
    struct http_request *request;
    const struct door *door;
    const char *command_id; /* of POST /ingest/v1/commands/{id} */
    const char *path_token; /* ThingsBoard's devices have it in the path; NULL: not */
    struct directory_device device;
    bool is_signed; /* then device is who signed it if signature fits */
    struct signature signature;
    const char *content_type; /* as kept with a refusal */
    int64_t time_unit_ns;     /* Influx */
    const char *body;
    size_t size;
    int64_t received_at;
};

/* http_handler: every path that devices know. */
void device_handle(void *context, struct http_request *request);
/* Fills device; false after it has answered. A signed request is believed only once login_signature says so. */
bool login(struct delivery *delivery);
/* After the body was read: whether the signature fits it and was not seen before; false after it has answered. */
bool login_signature(struct delivery *delivery);
/* Reads the body and takes the readings in it; answers. */
void delivery_take(struct delivery *delivery);

/* ---- commands ---- */
/* What waits for the device, as the member "commands" of the object that is being written; always: even if nothing. */
void commands_put(const struct delivery *delivery, struct json_writer *writer, bool always);
/* ---- answers, in the door's words ---- */
void door_problem(const struct delivery *delivery, int status, const char *type, const char *detail);
/* "Not now", with when to come again. */
void door_turn_away(const struct delivery *delivery, int status, const char *type, const char *detail);
/* An error of a library. */
void door_fail(const struct delivery *delivery, const struct err *err);
