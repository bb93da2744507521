/* Makes the demo's entities and sends its readings. */
#pragma once
#include "api.h"
#include "state.h"

struct demo_options {
    const char *url, *ingest_url, *admin_email, *admin_password, *demo_password, *env_file, *state_file;
    const char *more_file; /* or NULL */
    int mqtt_port;         /* 0: those loggers send over HTTP */
    int tcp_port;          /* the same */
};
/* The tenant, towns, zones, loggers, sensors and their tokens; what is there stays. */
MUST_CHECK bool demo_make(
    struct api *api, struct demo_state *state, const struct demo_options *options, struct err *err);
/* Two days of readings, every 15 minutes, by POST /batch/readings. */
MUST_CHECK bool demo_send_past(struct api *api, const struct demo_options *options, struct err *err);
/* One round of every logger: each third sends over MQTT, some over NWT/1, the others JSON or SenML over HTTP. */
MUST_CHECK bool demo_send_now(
    struct api *api, const struct demo_state *state, const struct demo_options *options, struct err *err);
