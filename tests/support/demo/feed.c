#include "feed.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/time_text.h"
#include "mqtt.h"
#include "nwt.h"
#include <stdio.h>
#include <string.h>

enum { PAST_HOURS = 48, PAST_STEP_MINUTES = 15 };

/* Posts an entity; out_id gets its id, asked for by code when it is there already. */
static bool make(
    struct api *api, const char *path, const char *code, const char *body, char out_id[40], struct err *err)
{
    cJSON *reply = NULL;
    int status;
    char list[160];
    if (!api_call(api, "POST", path, body, &status, &reply, err))
        return false;
    if (status == 409) {
        cJSON_Delete(reply);
        snprintf(list, sizeof list, "%s/%s", path, code);
        if (!api_call(api, "GET", list, NULL, &status, &reply, err))
            return false;
    }
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(reply, "id");
    bool ok = cJSON_IsString(id) && strlen(id->valuestring) < 40;
    if (ok)
        memcpy(out_id, id->valuestring, strlen(id->valuestring) + 1);
    cJSON_Delete(reply);
    return ok || err_set(err, ERR_BUG, "%s %s: no id in the answer (status %d)", path, code, status);
}

static bool make_town(struct api *api, const struct town *town, char out_id[40], struct err *err)
{
    AUTO_INPLACE(buffer) body = { 0 };
    struct json_writer writer;
    json_writer_init(&writer, &body);
    json_begin_object(&writer);
    json_put_text(&writer, "code", town->code);
    json_put_text(&writer, "name", town->name);
    json_put_int(&writer, "population", town->population);
    json_key(&writer, "latitude");
    json_double(&writer, town->latitude);
    json_key(&writer, "longitude");
    json_double(&writer, town->longitude);
    json_end_object(&writer);
    return make(api, "/municipalities", town->code, body.data, out_id, err);
}

static bool make_sensor(struct api *api, const char *code, const char *kind, const char *unit, const char *device_id,
    const char *zone_id, const char *town_id, struct err *err)
{
    char body[512], id[40];
    snprintf(body, sizeof body,
        "{\"code\":\"%s\",\"kind\":\"%s\",\"unit\":\"%s\",\"device_id\":\"%s\",\"zone_id\":\"%s\",\"municipality_id\":"
        "\"%s\",\"period_s\":10}",
        code, kind, unit, device_id, zone_id, town_id);
    return make(api, "/sensors", code, body, id, err);
}

static bool make_token(struct api *api, const char *device_id, char out_token[80], struct err *err)
{
    char path[128];
    cJSON *list = NULL, *reply = NULL;
    int status;
    snprintf(path, sizeof path, "/devices/%s/credentials", device_id);
    /* Whoever lost the old tokens makes room for new ones. */
    if (!api_call(api, "GET", path, NULL, &status, &list, err))
        return false;
    const cJSON *item;
    bool ok = true;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(list, "items"))
    {
        char old[200];
        const cJSON *id = cJSON_GetObjectItemCaseSensitive(item, "id");
        if (!cJSON_IsString(id) || !ok)
            continue;
        snprintf(old, sizeof old, "%s/%s", path, id->valuestring);
        ok = api_call(api, "DELETE", old, NULL, &status, NULL, err);
    }
    cJSON_Delete(list);
    if (!ok || !api_call(api, "POST", path, "{\"kind\":\"token\"}", &status, &reply, err))
        return false;
    const cJSON *secret = cJSON_GetObjectItemCaseSensitive(reply, "secret");
    ok = cJSON_IsString(secret) && strlen(secret->valuestring) < 80;
    if (ok)
        memcpy(out_token, secret->valuestring, strlen(secret->valuestring) + 1);
    cJSON_Delete(reply);
    return ok || err_set(err, ERR_BUG, "no secret in a new credential");
}

static bool make_zone(struct api *api, struct demo_state *state, int zone, const char *town_id, struct err *err)
{
    char code[NETWORK_CODE_SIZE], sensor[NETWORK_CODE_SIZE], body[400], zone_id[40], device_id[40],
        logger[NETWORK_CODE_SIZE + 8];
    network_zone_code(code, zone);
    snprintf(body, sizeof body, "{\"code\":\"%s\",\"name\":\"District %d\",\"municipality_id\":\"%s\"}", code, zone + 1,
        town_id);
    if (!make(api, "/zones", code, body, zone_id, err))
        return false;
    snprintf(logger, sizeof logger, "LOGGER-%s", code);
    snprintf(body, sizeof body, "{\"code\":\"%s\",\"protocol\":\"%s\",\"municipality_id\":\"%s\",\"zone_id\":\"%s\"}",
        logger, network_zone_protocol(zone), town_id, zone_id);
    if (!make(api, "/devices", logger, body, device_id, err))
        return false;
    for (int quantity = 0; quantity < QUANTITY_COUNT; quantity++) {
        network_sensor_code(sensor, zone, quantity);
        if (!make_sensor(api, sensor, network_quantities[quantity].kind, network_quantities[quantity].unit, device_id,
                zone_id, town_id, err))
            return false;
    }
    /* The sensors that the examples of the documentation name. */
    for (int i = 1; zone == 0 && i <= 3; i++) {
        snprintf(sensor, sizeof sensor, "SENSOR_%03d", i);
        if (!make_sensor(api, sensor, "pressure", "bar", device_id, zone_id, town_id, err))
            return false;
    }
    return state->device_tokens[zone][0] || make_token(api, device_id, state->device_tokens[zone], err);
}

static bool find_tenant(struct api *api, int *out_id, struct err *err)
{
    cJSON *list = NULL, *made = NULL;
    int status;
    *out_id = 0;
    if (!api_call(api, "GET", "/tenants?limit=1000", NULL, &status, &list, err))
        return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(list, "items"))
    {
        const cJSON *code = cJSON_GetObjectItemCaseSensitive(item, "code");
        if (cJSON_IsString(code) && strcmp(code->valuestring, "demo") == 0)
            *out_id = cJSON_GetObjectItemCaseSensitive(item, "id")->valueint;
    }
    cJSON_Delete(list);
    if (*out_id > 0)
        return true;
    if (!api_call(api, "POST", "/tenants",
            "{\"code\":\"demo\",\"name\":\"Demo waterworks\",\"time_zone\":\"Europe/Rome\"}", &status, &made, err))
        return false;
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(made, "id");
    *out_id = cJSON_IsNumber(id) ? id->valueint : 0;
    cJSON_Delete(made);
    return *out_id > 0 || err_set(err, ERR_BUG, "the new tenant has no id");
}

bool demo_make(struct api *api, struct demo_state *state, const struct demo_options *options, struct err *err)
{
    int tenant_id;
    if (!find_tenant(api, &tenant_id, err))
        return false;
    if (tenant_id != state->tenant_id)
        *state = (struct demo_state){ .tenant_id = tenant_id };
    api_act_in(api, tenant_id);
    for (int town = 0; town < TOWN_COUNT; town++) {
        char town_id[40];
        if (!make_town(api, &network_towns[town], town_id, err))
            return false;
        for (int zone = town * ZONES_A_TOWN; zone < (town + 1) * ZONES_A_TOWN; zone++)
            if (!make_zone(api, state, zone, town_id, err) || !state_write(state, options->state_file, err))
                return false;
    }
    return true;
}

static void write_reading(struct json_writer *writer, const char *sensor, double value, const char *unit, int64_t at_us)
{
    char time[TIME_TEXT_SIZE];
    time_text_format(time, at_us);
    json_begin_object(writer);
    json_put_text(writer, "sensor_id", sensor);
    json_key(writer, "value");
    json_double(writer, value);
    if (unit)
        json_put_text(writer, "unit", unit);
    json_put_text(writer, "timestamp", time);
    json_end_object(writer);
}

bool demo_send_past(struct api *api, const struct demo_options *options, struct err *err)
{
    const int64_t step_us = PAST_STEP_MINUTES * 60 * 1000000ll;
    int64_t now_us = clock_now_us() / step_us * step_us;
    (void)options;
    for (int zone = 0; zone < ZONE_COUNT; zone++) {
        AUTO_INPLACE(buffer) body = { 0 };
        struct json_writer writer;
        int status;
        json_writer_init(&writer, &body);
        json_begin_array(&writer);
        for (int64_t at_us = now_us - PAST_HOURS * 3600 * 1000000ll; at_us <= now_us; at_us += step_us)
            for (int quantity = 0; quantity < QUANTITY_COUNT; quantity++) {
                char sensor[NETWORK_CODE_SIZE];
                network_sensor_code(sensor, zone, quantity);
                write_reading(&writer, sensor, network_value(zone, quantity, at_us), NULL, at_us);
            }
        json_end_array(&writer);
        if (!api_call(api, "POST", "/batch/readings", body.data, &status, NULL, err))
            return false;
    }
    return true;
}

static void write_senml(struct json_writer *writer, int zone, int64_t now_us)
{
    char code[NETWORK_CODE_SIZE + 1] = "";
    json_begin_array(writer);
    for (int quantity = 0; quantity < QUANTITY_COUNT; quantity++) {
        json_begin_object(writer);
        if (quantity == 0) {
            network_zone_code(code, zone);
            code[strlen(code)] = '-';
            json_put_text(writer, "bn", code);
            json_key(writer, "bt");
            json_double(writer, (double)now_us / 1e6);
        }
        json_put_text(writer, "n", network_quantities[quantity].suffix);
        json_key(writer, "v");
        json_double(writer, network_value(zone, quantity, now_us));
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_json(struct json_writer *writer, int zone, int64_t now_us)
{
    json_begin_array(writer);
    for (int quantity = 0; quantity < QUANTITY_COUNT; quantity++) {
        char sensor[NETWORK_CODE_SIZE];
        network_sensor_code(sensor, zone, quantity);
        write_reading(
            writer, sensor, network_sent_value(zone, quantity, now_us), network_quantities[quantity].sent_unit, now_us);
    }
    json_end_array(writer);
}

static void write_value(struct json_writer *writer, double value, const char *unit)
{
    if (!unit) { /* the sensor's own */
        json_double(writer, value);
        return;
    }
    json_begin_array(writer);
    json_double(writer, value);
    json_text(writer, unit);
    json_end_array(writer);
}

/* The compact form: {"t": ..., "m": {"DMA-03-FLOW": [12.5, "L/s"], ...}}. */
static void write_compact(struct json_writer *writer, int zone, int64_t now_us)
{
    json_begin_object(writer);
    json_key(writer, "t");
    json_double(writer, (double)now_us / 1e6);
    json_key(writer, "m");
    json_begin_object(writer);
    for (int quantity = 0; quantity < QUANTITY_COUNT; quantity++) {
        char sensor[NETWORK_CODE_SIZE];
        network_sensor_code(sensor, zone, quantity);
        json_key(writer, sensor);
        write_value(writer, network_sent_value(zone, quantity, now_us), network_quantities[quantity].sent_unit);
    }
    json_end_object(writer);
    json_end_object(writer);
}

static bool send_http(struct api *api, const struct demo_state *state, const struct demo_options *options, int zone,
    int64_t now_us, struct err *err)
{
    AUTO_INPLACE(buffer) body = { 0 };
    struct json_writer writer;
    char url[320];
    int status;
    bool is_senml = zone % 2 == 1;
    snprintf(url, sizeof url, "%s/ingest/v1/readings", options->ingest_url);
    json_writer_init(&writer, &body);
    (is_senml ? write_senml : write_json)(&writer, zone, now_us);
    return api_post(api, url, state->device_tokens[zone], is_senml ? "application/senml+json" : "application/json",
        &body, &status, err);
}

static bool send_connected(
    const struct demo_state *state, const struct demo_options *options, int zone, int64_t now_us, struct err *err)
{
    static struct mqtt_logger loggers[ZONE_COUNT];
    static struct nwt_logger tcp_loggers[ZONE_COUNT];
    AUTO_INPLACE(buffer) body = { 0 };
    struct json_writer writer;
    char code[NETWORK_CODE_SIZE];
    network_zone_code(code, zone);
    json_writer_init(&writer, &body);
    write_compact(&writer, zone, now_us);
    if (!buffer_ok(&body))
        return err_set(err, ERR_LIMIT, "out of memory");
    if (strcmp(network_zone_protocol(zone), "tcp") == 0)
        return nwt_logger_send(&tcp_loggers[zone], options->tcp_port, state->device_tokens[zone], body.data, err);
    return mqtt_logger_send(
        &loggers[zone], options->mqtt_port, code, state->device_tokens[zone], "nwims/v1/me/up", body.data, err);
}

bool demo_send_now(struct api *api, const struct demo_state *state, const struct demo_options *options, struct err *err)
{
    int64_t now_us = clock_now_us() / 1000000 * 1000000;
    for (int zone = 0; zone < ZONE_COUNT; zone++) {
        const char *protocol = network_zone_protocol(zone);
        bool is_connected = (strcmp(protocol, "mqtt") == 0 && options->mqtt_port > 0) ||
                            (strcmp(protocol, "tcp") == 0 && options->tcp_port > 0);
        if (!(is_connected ? send_connected(state, options, zone, now_us, err)
                           : send_http(api, state, options, zone, now_us, err)))
            return false;
    }
    return true;
}
