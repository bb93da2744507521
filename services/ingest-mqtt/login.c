#include "auth/auth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "front/device_check.h"
#include "metrics/metrics.h"
#include "session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LONGEST_CLIENT_ID = 128,
    LONGEST_TOKEN = DEVICE_TOKEN_LONGEST,
    LONGEST_LOOKUP = 128,
    LONGEST_WILL = 65536,
    RECHECK_AGAIN_MS = 1000
};

/* ---- refusing ---- */
/* Return codes of 3.1.1 (section 3.2.2.3). */
static uint8_t code_of(enum mqtt_version version, enum mqtt_reason reason)
{
    if (version == MQTT_5)
        return (uint8_t)reason;
    switch (reason) {
    case MQTT_UNSUPPORTED_VERSION:
        return 1;
    case MQTT_CLIENT_ID_NOT_VALID:
        return 2;
    case MQTT_BAD_USER_NAME_OR_PASSWORD:
        return 4;
    case MQTT_NOT_AUTHORIZED:
    case MQTT_BAD_AUTHENTICATION_METHOD:
    case MQTT_TOPIC_NAME_INVALID:
    case MQTT_QOS_NOT_SUPPORTED:
        return 5;
    default:
        return 3; /* server unavailable: come again later */
    }
}

static void refuse(struct session *session, enum complaint complaint, enum mqtt_reason reason, const char *problem)
{
    const struct mqtt_connack connack = { .code = code_of(session->version, reason), .reason_text = problem };
    mqtt_put_connack(&session->loop->out, session->version, &connack);
    session_send(session);
    session->device = (struct directory_device){ 0 };
    session_refuse(session, complaint, reason, problem);
}

static void refuse_err(struct session *session, const struct err *err)
{
    if (err->kind != ERR_UNAUTHENTICATED)
        log_debug(NULL, "login.failed", LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
    if (err->kind == ERR_UNAUTHENTICATED)
        refuse(session, COMPLAINT_CREDENTIALS, MQTT_BAD_USER_NAME_OR_PASSWORD, err->text);
    else if (err->kind == ERR_LIMIT)
        refuse(session, COMPLAINT_UNAVAILABLE, MQTT_SERVER_BUSY, "too much is going on: come again in a moment");
    else
        refuse(
            session, COMPLAINT_UNAVAILABLE, MQTT_SERVER_UNAVAILABLE, "a part of the system is away: come again later");
}

/* ---- CONNECT's own fields ---- */
static bool keep_client_id(struct session *session, const struct mqtt_connect *connect, const char **out_assigned)
{
    char assigned[UUID_TEXT_SIZE];
    *out_assigned = NULL;
    if (connect->client_id.length > LONGEST_CLIENT_ID)
        return false;
    if (connect->client_id.length > 0) {
        session->client_id = strndup(connect->client_id.bytes, connect->client_id.length);
        return session->client_id != NULL;
    }
    uuid_format(assigned, &session->id);
    session->client_id = strdup(assigned);
    *out_assigned = session->client_id;
    return session->client_id && (connect->version == MQTT_5 || connect->clean_start);
}

static bool keep_will(struct session *session, const struct mqtt_connect *connect)
{
    size_t size = connect->will_topic.length + connect->will_payload.length;
    if (!connect->has_will)
        return true;
    struct will *will = size <= LONGEST_WILL ? malloc(sizeof *will + size) : NULL;
    if (!will)
        return false;
    memcpy(will->bytes, connect->will_topic.bytes, connect->will_topic.length);
    memcpy(will->bytes + connect->will_topic.length, connect->will_payload.bytes, connect->will_payload.length);
    will->topic = (struct mqtt_text){ will->bytes, connect->will_topic.length };
    will->payload = (struct mqtt_text){ will->bytes + connect->will_topic.length, connect->will_payload.length };
    will->qos = connect->will_qos;
    session->will = will;
    return true;
}

static void keep_times(struct session *session, const struct mqtt_connect *connect)
{
    int64_t most_s = session->loop->app->config.keep_alive_max_s, wanted_s = connect->keep_alive_s;
    bool is_cut = wanted_s > most_s || (wanted_s == 0 && connect->version == MQTT_5);
    session->keep_alive_ms = (is_cut ? most_s : wanted_s) * 1000;
    session->receive_maximum = connect->properties.receive_maximum;
}

/* ---- the answer ---- */
struct taken_over {
    struct net_mail mail;
};
static void on_taken_over(void *context, struct net_connection *connection, struct net_mail *mail)
{
    (void)context;
    if (connection) {
        struct session *session = net_state(connection);
        static const char text[] = "another connection has the same client id";
        session_complain(session, COMPLAINT_TAKEN_OVER, text);
        session_end(session, MQTT_SESSION_TAKEN_OVER, text, "taken-over");
    }
    free((struct taken_over *)(void *)mail);
}

static bool enter_roster(struct session *session)
{
    struct app *app = session->loop->app;
    struct net_handle old;
    struct taken_over *taken = calloc(1, sizeof *taken);
    session->entry =
        (struct roster_entry){ .handle = session->handle, .device = &session->device, .name = session->client_id };
    if (!taken || !roster_enter(app->roster, &session->entry, &old)) {
        free(taken);
        return false;
    }
    taken->mail = (struct net_mail){ .to = old, .handler = on_taken_over };
    if (old.number != 0)
        net_post(app->server, &taken->mail);
    else
        free(taken);
    return true;
}

static bool will_is_ours(const struct session *session)
{
    const struct topic_owner owner = session_owner(session);
    enum topic_kind kind = session->will ? topic_of_publish(&session->will->topic, &owner).kind : TOPIC_IGNORED;
    return kind != TOPIC_FOREIGN && kind != TOPIC_UNKNOWN;
}

static void welcome(struct session *session, bool is_assigned)
{
    struct app *app = session->loop->app;
    const struct mqtt_connack connack = { .receive_maximum = (uint16_t)app->config.most_unacknowledged,
        .maximum_packet_size = (uint32_t)app->config.packet_max_bytes,
        .server_keep_alive_s = (uint16_t)(session->keep_alive_ms / 1000),
        .tells_session_expiry = true,
        .assigned_client_id = is_assigned ? session->client_id : NULL };
    session->state = SESSION_OPEN;
    metric_shift(app->sessions, 1);
    mqtt_put_connack(&session->loop->out, session->version, &connack);
    session_send(session);
    net_established(session->connection);
    session->heard_at_us = clock_monotonic_us();
    session_arm_timer(session);
    session_tell_presence(session, "connected");
}

static void finish(struct session *session, const struct directory_device *device, bool is_assigned)
{
    session->device = *device;
    explicit_bzero(session->device.key, sizeof session->device.key);
    if (!will_is_ours(session)) {
        refuse(session, COMPLAINT_FOREIGN_TOPIC, MQTT_TOPIC_NAME_INVALID, "the will's topic is none of this device's");
    } else if (!enter_roster(session)) {
        refuse(session, COMPLAINT_UNAVAILABLE, MQTT_QUOTA_EXCEEDED, "the device has too many connections");
    } else {
        welcome(session, is_assigned);
    }
}

/* ---- asking who it is ---- */
struct login_job {
    struct net_mail mail; /* first: both are found by it */
    struct job job;
    struct app *app;
    char tokens[2][LONGEST_TOKEN + 1]; /* password, then user name */
    const char *kind; /* NULL: by token; "psk", "x509": by what TLS has proven; "jwt": by the password's key */
    char lookup[LONGEST_LOOKUP + 1];
    bool is_assigned;
    struct directory_device device;
    struct err err;
};

static void on_answer(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct login_job *login = (struct login_job *)(void *)mail;
    struct session *session = connection ? net_state(connection) : NULL;
    struct app *app = context;
    char peer[NET_PEER_SIZE];
    if (session && session->state == SESSION_LOGGING_IN) {
        session->is_busy = false;
        session_peer(session, peer);
        if (login->err.kind == ERR_UNAUTHENTICATED)
            failure_gate_count(app->failures, peer, clock_monotonic_us());
        if (login->err.kind == ERR_NONE)
            finish(session, &login->device, login->is_assigned);
        else
            refuse_err(session, &login->err);
        session_resume(session);
    }
    explicit_bzero(login->tokens, sizeof login->tokens);
    free(login);
}

/* The token ends the connection when it ends, as the credential does. */
static bool check_own_token(const char *token, struct directory_device *device, struct err *err)
{
    struct device_claims claims;
    if (device->key_size != P256_POINT_SIZE)
        return err_set(err, ERR_BUG, "a device's key of %zu bytes", device->key_size);
    if (!device_token_verify(token, device->key, clock_now_us(), &claims, err))
        return false;
    if (strcmp(claims.subject, device->device_id) != 0 && strcmp(claims.subject, device->device_code) != 0)
        return err_set(err, ERR_UNAUTHENTICATED, "the device's token is about another device");
    if (device->expires_at == 0 || claims.expires_at < device->expires_at)
        device->expires_at = claims.expires_at;
    return true;
}

/* Which of the two the token is nobody says: ThingsBoard's devices have it as user name, others as password. */
static void ask(struct job *job, struct arena *arena)
{
    struct login_job *login = (struct login_job *)(void *)((char *)job - offsetof(struct login_job, job));
    bool is_known = login->kind && directory_named(login->app->directory, login->kind, login->lookup, &login->device,
                                       arena, &login->err);
    if (is_known && strcmp(login->kind, "jwt") == 0)
        is_known = check_own_token(login->tokens[0], &login->device, &login->err);
    for (size_t i = 0; i < COUNT_OF(login->tokens) && !login->kind && !is_known; i++) {
        if (login->tokens[i][0] == '\0')
            continue;
        login->err = (struct err){ 0 };
        is_known = directory_device(login->app->directory, login->tokens[i], &login->device, arena, &login->err);
        if (!is_known && login->err.kind != ERR_UNAUTHENTICATED)
            break;
    }
    net_post(login->app->server, &login->mail);
}

static bool copy_token(char target[LONGEST_TOKEN + 1], const struct mqtt_text *text)
{
    return !text->bytes || (!memchr(text->bytes, '\0', text->length) &&
                               text_copy(target, LONGEST_TOKEN + 1, text->bytes, text->length));
}

static bool has_token(const struct login_job *login)
{
    return login->tokens[0][0] != '\0' || login->tokens[1][0] != '\0';
}

static bool is_own_token(const struct login_job *login)
{
    return login->kind && strcmp(login->kind, "jwt") == 0;
}

/* And needs no more than that: a signature is for the workers. */
static bool is_in_memory(struct login_job *login)
{
    if (is_own_token(login))
        return false;
    if (login->kind)
        return directory_named_known(login->app->directory, login->kind, login->lookup, &login->device);
    for (size_t i = 0; i < COUNT_OF(login->tokens); i++)
        if (login->tokens[i][0] != '\0' &&
            directory_device_known(login->app->directory, login->tokens[i], &login->device))
            return true;
    return false;
}

static struct login_job *make_job(struct session *session, const struct mqtt_connect *connect, bool is_assigned)
{
    struct login_job *login = calloc(1, sizeof *login);
    if (!login)
        return NULL;
    login->mail = (struct net_mail){ .to = session->handle, .handler = on_answer };
    login->job.run = ask;
    login->app = session->loop->app;
    login->is_assigned = is_assigned;
    bool has_password = copy_token(login->tokens[0], &connect->password);
    bool has_user_name = copy_token(login->tokens[1], &connect->user_name);
    if (!has_password)
        login->tokens[0][0] = '\0';
    if (!has_user_name)
        login->tokens[1][0] = '\0';
    return login;
}

/* Of an address from which too much was wrong: the key at least must be a device's. */
static bool may_be_a_device(struct login_job *login)
{
    return is_own_token(login) &&
           directory_named_known(login->app->directory, login->kind, login->lookup, &login->device);
}

/* A pre-shared key says all; a certificate does when no token stands beside it. */
static void take_from_tls(struct session *session, struct login_job *login)
{
    unsigned char fingerprint[NET_FINGERPRINT_SIZE];
    const char *identity = net_psk_identity(session->connection);
    if (identity) {
        login->kind = text_copy(login->lookup, sizeof login->lookup, identity, strlen(identity)) ? "psk" : NULL;
    } else if (!has_token(login) && net_fingerprint(session->connection, fingerprint)) {
        login->kind = "x509";
        text_hex(login->lookup, fingerprint, sizeof fingerprint);
    }
}

/* False if the password is a token of the device's own making, and cannot be one. */
static bool take_own_token(struct login_job *login, struct err *err)
{
    if (login->kind || !device_token_is_one(login->tokens[0]))
        return true;
    login->kind = "jwt";
    return device_token_key_id(login->tokens[0], login->lookup, err);
}

static void log_in(struct session *session, struct login_job *login)
{
    struct app *app = session->loop->app;
    char peer[NET_PEER_SIZE];
    struct err err = { 0 };
    session_peer(session, peer);
    session->state = SESSION_LOGGING_IN;
    take_from_tls(session, login);
    if (!take_own_token(login, &err)) {
        failure_gate_count(app->failures, peer, clock_monotonic_us());
        refuse_err(session, &err);
        free(login);
    } else if (!login->kind && !has_token(login)) {
        refuse(session, COMPLAINT_CREDENTIALS, MQTT_BAD_USER_NAME_OR_PASSWORD,
            "CONNECT carries no token: put the device's token into the user name or the password");
        free(login);
    } else if (is_in_memory(login)) {
        finish(session, &login->device, login->is_assigned);
        free(login);
    } else if (!failure_gate_is_open(app->failures, peer, clock_monotonic_us()) && !may_be_a_device(login)) {
        refuse(session, COMPLAINT_TOO_MANY_FAILURES, MQTT_CONNECTION_RATE_EXCEEDED,
            "too many wrong credentials came from this address: wait a minute");
        free(login);
    } else if (!workers_do(app->workers, &login->job)) {
        refuse(session, COMPLAINT_UNAVAILABLE, MQTT_SERVER_BUSY, "too many are logging in: come again in a moment");
        free(login);
    } else {
        session->is_busy = true;
        net_pause(session->connection);
    }
}

void login_begin(struct session *session, const struct mqtt_connect *connect)
{
    const char *assigned = NULL;
    session->version = connect->version;
    session->id = uuid_new();
    keep_times(session, connect);
    if (connect->properties.authentication_method.bytes) {
        refuse(session, COMPLAINT_CREDENTIALS, MQTT_BAD_AUTHENTICATION_METHOD, "no extended authentication here");
    } else if (!keep_client_id(session, connect, &assigned)) {
        refuse(session, COMPLAINT_CLIENT_ID, MQTT_CLIENT_ID_NOT_VALID,
            "the client id has more than 128 bytes, or is empty without a clean session");
    } else if (connect->will_qos == 2 && connect->version == MQTT_5) {
        refuse(session, COMPLAINT_QOS, MQTT_QOS_NOT_SUPPORTED, "QoS 2 is not offered");
    } else if (!keep_will(session, connect)) {
        refuse(session, COMPLAINT_TOO_LARGE, MQTT_PACKET_TOO_LARGE, "the will is larger than 64 KiB");
    } else {
        struct login_job *login = make_job(session, connect, assigned != NULL);
        if (login)
            log_in(session, login);
        else
            refuse(session, COMPLAINT_UNAVAILABLE, MQTT_SERVER_BUSY, "no memory");
    }
}

/* ---- looking again ---- */
/* While the registry is away the device stays, and is looked at again. */
static void on_checked(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct device_check *check = (struct device_check *)(void *)mail;
    struct session *session = connection ? net_state(connection) : NULL;
    (void)context;
    if (session && check->err.kind == ERR_UNAUTHENTICATED) {
        session->why_ended = "revoked";
        session_refuse(session, COMPLAINT_REVOKED, MQTT_NOT_AUTHORIZED, check->err.text);
    } else if (session && check->err.kind != ERR_NONE && session->state == SESSION_OPEN) {
        session->recheck_at_us = clock_monotonic_us() + RECHECK_AGAIN_MS * INT64_C(1000);
        session_arm_timer(session);
    }
    free(check);
}

void login_check_again(struct session *session)
{
    struct app *app = session->loop->app;
    if (session->state != SESSION_OPEN ||
        device_check_start(app->workers, app->directory, app->server, &session->handle, &session->device, on_checked))
        return;
    session->why_ended = "revoked"; /* to be on the safe side: the device comes again and is asked who it is */
    session_refuse(session, COMPLAINT_UNAVAILABLE, MQTT_SERVER_BUSY, "the credential could not be checked");
}
