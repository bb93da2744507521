/* The REST API as the demo needs it: log in, send JSON, read JSON. One thread. */
#pragma once
#include "base/buffer.h"
#include "base/err.h"
#include <cjson/cJSON.h>

struct api;
/* url: http://host:port of the gateway. tenant_id 0: the caller's own. */
MUST_CHECK bool api_open(struct api **out_api, const char *url, struct err *err);
void api_close(struct api *api);
AUTO_DEFINE(api, api_close)
MUST_CHECK bool api_login(struct api *api, const char *email, const char *password, struct err *err);
/* For the calls that follow, as one who may act in every tenant. */
void api_act_in(struct api *api, int tenant_id);
const char *api_token(const struct api *api);
/* Sends body (may be NULL), gives the answer (caller deletes; NULL if there is none). A status of 400 or more is an
 * error that says the problem's detail, except 404 and 409, which come back in out_status. */
MUST_CHECK bool api_call(struct api *api, const char *method, const char *path, const char *body, int *out_status,
    cJSON **out_reply, struct err *err);
/* Sends to any url with a bearer token of its own. */
MUST_CHECK bool api_post(struct api *api, const char *url, const char *token, const char *content_type,
    const struct buffer *body, int *out_status, struct err *err);
