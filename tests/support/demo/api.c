#include "api.h"
#include "base/json_writer.h"
#include "http/http_client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct api {
    struct http_client *client;
    char url[256];
    char token[4200];
    int tenant_id;
};

bool api_open(struct api **out_api, const char *url, struct err *err)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api)
        return err_set(err, ERR_LIMIT, "out of memory");
    snprintf(api->url, sizeof api->url, "%s", url);
    if (!http_client_open(&api->client, err)) {
        free(api);
        return false;
    }
    *out_api = api;
    return true;
}

void api_close(struct api *api)
{
    if (!api)
        return;
    http_client_close(api->client);
    free(api);
}

void api_act_in(struct api *api, int tenant_id)
{
    api->tenant_id = tenant_id;
}

const char *api_token(const struct api *api)
{
    return api->token;
}

static bool explain(const char *method, const char *url, int status, const cJSON *reply, struct err *err)
{
    const cJSON *detail = cJSON_GetObjectItemCaseSensitive(reply, "detail");
    return err_set(err, status >= 500 ? ERR_TRANSIENT : ERR_INPUT, "%s %s: %d %s", method, url, status,
        cJSON_IsString(detail) ? detail->valuestring : "");
}

static bool send_call(
    struct api *api, const struct http_call *call, int *out_status, cJSON **out_reply, struct err *err)
{
    AUTO_INPLACE(buffer) answer = { 0 };
    if (!http_client_call(api->client, call, out_status, &answer, err))
        return false;
    cJSON *reply = answer.size > 0 ? cJSON_ParseWithLength(answer.data, answer.size) : NULL;
    bool ok = *out_status < 400 || *out_status == 404 || *out_status == 409;
    if (!ok)
        explain(call->method, call->url, *out_status, reply, err);
    if (ok && out_reply)
        *out_reply = reply;
    else
        cJSON_Delete(reply);
    return ok;
}

bool api_call(struct api *api, const char *method, const char *path, const char *body, int *out_status,
    cJSON **out_reply, struct err *err)
{
    char url[512], authorization[4300], tenant[40];
    const char *headers[4] = { "Content-Type: application/json" };
    size_t count = 1;
    snprintf(url, sizeof url, "%s/api/v1%s", api->url, path);
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", api->token);
    snprintf(tenant, sizeof tenant, "Nwims-Tenant: %d", api->tenant_id);
    if (api->token[0])
        headers[count++] = authorization;
    if (api->tenant_id > 0)
        headers[count++] = tenant;
    const struct http_call call = { .method = method,
        .url = url,
        .headers = headers,
        .body = body,
        .size = body ? strlen(body) : 0,
        .timeout_ms = 30000 };
    return send_call(api, &call, out_status, out_reply, err);
}

bool api_post(struct api *api, const char *url, const char *token, const char *content_type, const struct buffer *body,
    int *out_status, struct err *err)
{
    char authorization[4300], type[80];
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);
    snprintf(type, sizeof type, "Content-Type: %s", content_type);
    const char *const headers[] = { type, authorization, NULL };
    const struct http_call call = {
        .method = "POST", .url = url, .headers = headers, .body = body->data, .size = body->size, .timeout_ms = 30000
    };
    return send_call(api, &call, out_status, NULL, err);
}

bool api_login(struct api *api, const char *email, const char *password, struct err *err)
{
    AUTO_INPLACE(buffer) body = { 0 };
    struct json_writer writer;
    cJSON *reply = NULL;
    int status;
    json_writer_init(&writer, &body);
    json_begin_object(&writer);
    json_put_text(&writer, "email", email);
    json_put_text(&writer, "password", password);
    json_end_object(&writer);
    api->token[0] = '\0';
    if (!api_call(api, "POST", "/auth/login", body.data, &status, &reply, err))
        return false;
    const cJSON *token = cJSON_GetObjectItemCaseSensitive(reply, "access_token");
    bool ok = cJSON_IsString(token) && strlen(token->valuestring) < sizeof api->token;
    if (ok)
        memcpy(api->token, token->valuestring, strlen(token->valuestring) + 1);
    cJSON_Delete(reply);
    return ok || err_set(err, ERR_BUG, "the answer of /auth/login has no token");
}
