/* The program's state and its two halves: who the device is, and what it sends. */
#pragma once
#include "http/body_budget.h"
#include "http/http_server.h"
#include "ingest/failure_gate.h"
#include "ingest/intake.h"
#include "settings.h"

struct app {
    struct ingest_http_config config;
    struct service *service;
    struct directory *directory;
    struct intake *intake;
    struct failure_gate *failures;
    struct audit_trail *trail;
    struct body_budget bodies;
    struct http_server *server;
};

/* http_handler: every path that devices know. */
void device_handle(void *context, struct http_request *request);
/* One body of readings of a device that is known. */
void readings_take(struct app *app, struct http_request *request, const struct directory_device *device);
/* Answers "not now", with when to come again. */
void device_turn_away(struct http_request *request, int status, const char *type, const char *detail);
/* Answers an error of a library. */
void device_fail(struct http_request *request, const struct err *err);
