#include "login.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "front/device_check.h"
#include "metrics/metrics.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECHECK_AGAIN_MS = 1000, USUAL_KEEP_ALIVE_S = 300, SHORTEST_KEEP_ALIVE_S = 10 };

void login_free(struct login *login)
{
    if (!login)
        return;
    explicit_bzero(login, sizeof *login);
    free(login);
}

/* ---- refusing ---- */
static void refuse_err(struct session *session, const struct err *err)
{
    char peer[NET_PEER_SIZE];
    if (err->kind == ERR_UNAUTHENTICATED) {
        session_peer(session, peer);
        failure_gate_count(session->loop->app->failures, peer, clock_monotonic_us());
        session_refuse(session, COMPLAINT_CREDENTIALS, BYE_UNAUTHENTICATED, err->text);
        return;
    }
    if (err->kind == ERR_INPUT) {
        session_refuse(session, COMPLAINT_EPOCH, BYE_EPOCH, err->text);
        return;
    }
    log_debug(NULL, "login.failed", LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
    session_refuse(session, COMPLAINT_UNAVAILABLE, BYE_UNAVAILABLE,
        err->kind == ERR_LIMIT ? "too much is going on: come again in a moment"
                               : "a part of the system is away: come again later");
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
        static const char text[] = "the device has connected again";
        session_complain(session, COMPLAINT_TAKEN_OVER, text);
        session_end(session, BYE_TAKEN_OVER, text, "taken-over");
    }
    free((struct taken_over *)(void *)mail);
}

/* A device has one connection: the newest. */
static bool enter_roster(struct session *session)
{
    struct app *app = session->loop->app;
    struct net_handle old;
    struct taken_over *taken = calloc(1, sizeof *taken);
    session->entry = (struct roster_entry){ .handle = session->handle, .device = &session->device, .name = "" };
    if (!taken || !roster_enter(app->roster, &session->entry, &old)) {
        free(taken);
        return false;
    }
    session->is_in_roster = true;
    taken->mail = (struct net_mail){ .to = old, .handler = on_taken_over };
    if (old.number != 0)
        net_post(app->server, &taken->mail);
    else
        free(taken);
    return true;
}

static void note_missing(struct session *session, uint64_t missing)
{
    char problem[128];
    if (missing == 0)
        return;
    snprintf(problem, sizeof problem, "the device has lost %" PRIu64 " records before they came here", missing);
    session_complain(session, COMPLAINT_MISSING, problem);
}

static int64_t keep_alive_of(const struct session *session, uint32_t wanted_s)
{
    int64_t most_s = session->loop->app->config.keep_alive_max_s, s = wanted_s == 0 ? USUAL_KEEP_ALIVE_S : wanted_s;
    s = s < SHORTEST_KEEP_ALIVE_S ? SHORTEST_KEEP_ALIVE_S : s;
    return (s > most_s ? most_s : s) * 1000;
}

static void welcome(struct session *session, const struct position_entry *entry)
{
    struct app *app = session->loop->app;
    session->position = entry->position;
    session->told = entry->state.written;
    session->id = uuid_new();
    session->keep_alive_ms = keep_alive_of(session, session->login->hello.keep_alive_s);
    if (!enter_roster(session)) {
        session_refuse(session, COMPLAINT_UNAVAILABLE, BYE_UNAVAILABLE, "no memory");
        return;
    }
    session->state = SESSION_OPEN;
    metric_shift(app->sessions, 1);
    session_send(session, &(struct outgoing){ .type = MESSAGE_WELCOME,
                              .sequence = entry->state.committed,
                              .credit = (uint32_t)app->config.window,
                              .most_bytes = (uint32_t)app->config.frame_max_bytes,
                              .keep_alive_s = (uint32_t)(session->keep_alive_ms / 1000),
                              .time_us = clock_now_us() });
    net_established(session->connection);
    session->heard_at_us = clock_monotonic_us();
    session_arm_timer(session);
    session_tell_presence(session, "connected");
    session_tell_presence(session, "ready"); /* what waits for it comes now */
    note_missing(session, entry->missing);
    login_free(TAKE(session->login));
}

/* ---- asking who it is, and how far it is ---- */
struct login_job {
    struct net_mail mail; /* first: both are found by it */
    struct job job;
    struct app *app;
    struct login login; /* a copy: the session may go meanwhile */
    bool is_proven;     /* the device has shown what it claims: it comes in */
    struct position_entry entry;
    struct err err;
};

static bool look_up(struct login_job *ask, struct arena *arena)
{
    struct login *login = &ask->login;
    if (login->device.tenant_id != 0)
        return true;
    if (strcmp(login->kind, "token") == 0)
        return directory_device(ask->app->directory, login->lookup, &login->device, arena, &ask->err);
    return directory_named(ask->app->directory, login->kind, login->lookup, &login->device, arena, &ask->err);
}

static void run(struct job *job, struct arena *arena)
{
    struct login_job *ask = (struct login_job *)(void *)((char *)job - offsetof(struct login_job, job));
    if (look_up(ask, arena) && ask->is_proven &&
        !positions_enter(
            ask->app->positions, &ask->login.device, &ask->login.hello, &ask->mail.to, &ask->entry, &ask->err))
        ask->entry.position = NULL;
    net_post(ask->app->server, &ask->mail);
}

/* Who nobody knows is challenged as well: which names there are is nobody's business. */
static void challenge(struct session *session, const struct directory_device *device)
{
    struct login *login = session->login;
    login->device = *device;
    random_bytes(login->server_nonce, sizeof login->server_nonce);
    session->state = SESSION_CHALLENGED;
    session_send(session, &(struct outgoing){ .type = MESSAGE_CHALLENGE, .nonce = login->server_nonce });
}

static void go_on(struct session *session, struct login_job *ask)
{
    bool is_unknown = ask->err.kind == ERR_UNAUTHENTICATED;
    if (!ask->is_proven && (ask->err.kind == ERR_NONE || is_unknown)) {
        challenge(session, is_unknown ? &(struct directory_device){ 0 } : &ask->login.device);
    } else if (ask->err.kind != ERR_NONE) {
        refuse_err(session, &ask->err);
    } else {
        session->device = ask->login.device;
        explicit_bzero(session->device.key, sizeof session->device.key);
        welcome(session, &ask->entry);
        ask->entry.position = NULL;
    }
}

static void on_answer(void *context, struct net_connection *connection, struct net_mail *mail)
{
    struct login_job *ask = (struct login_job *)(void *)mail;
    struct session *session = connection ? net_state(connection) : NULL;
    (void)context;
    if (session && session->state == SESSION_LOGGING_IN) {
        session->is_busy = false;
        go_on(session, ask);
        session_resume(session);
    }
    if (ask->entry.position)
        position_leave(ask->entry.position);
    explicit_bzero(&ask->login, sizeof ask->login);
    free(ask);
}

static void point_into(struct login *login)
{
    login->hello.name.bytes = login->name;
    login->hello.nonce.bytes = login->nonce;
}

static void ask(struct session *session, bool is_proven)
{
    struct app *app = session->loop->app;
    struct login_job *job = calloc(1, sizeof *job);
    session->state = SESSION_LOGGING_IN;
    if (job) {
        job->mail = (struct net_mail){ .to = session->handle, .handler = on_answer };
        job->job.run = run;
        job->app = app;
        job->login = *session->login;
        job->is_proven = is_proven;
        point_into(&job->login);
    }
    if (!job || !workers_do(app->workers, &job->job)) {
        free(job);
        session_refuse(
            session, COMPLAINT_UNAVAILABLE, BYE_UNAVAILABLE, "too many are logging in: come again in a moment");
        return;
    }
    session->is_busy = true;
    net_pause(session->connection);
}

/* ---- HELLO ---- */
static bool copy(char target[LONGEST_NAME], const struct text *text)
{
    return !memchr(text->length > 0 ? text->bytes : "", '\0', text->length) &&
           text_copy(target, LONGEST_NAME, text->length > 0 ? text->bytes : "", text->length);
}

/* What is wrong with the numbers; NULL if nothing is. */
static const char *check_numbers(const struct hello *hello)
{
    if (hello->oldest == 0 || hello->next < hello->oldest)
        return "records are numbered from 1, and the next one is not before the oldest";
    if (hello->acknowledged >= hello->next)
        return "a record was acknowledged that there is not yet";
    return hello->next > UINT64_MAX - MOST_RECORDS ? "the numbers end here: use another epoch" : NULL;
}

/* By what TLS has proven, or what HELLO says; NULL, or what is wrong. */
static const char *take_way(struct session *session, struct login *login)
{
    unsigned char fingerprint[NET_FINGERPRINT_SIZE];
    const char *identity = net_psk_identity(session->connection);
    bool is_safe = net_is_tls(session->connection) || session->loop->app->config.takes_plain_tokens;
    switch (login->hello.way) {
    case WAY_TLS:
        if (identity && text_copy(login->lookup, sizeof login->lookup, identity, strlen(identity)))
            login->kind = "psk";
        else if (!identity && net_fingerprint(session->connection, fingerprint)) {
            login->kind = "x509";
            text_hex(login->lookup, fingerprint, sizeof fingerprint);
        }
        return login->kind ? NULL : "neither a pre-shared key nor a certificate was shown in TLS";
    case WAY_TOKEN:
        login->kind = "token";
        return is_safe ? NULL : "a token is not taken without TLS: log in with HMAC";
    default:
        login->kind = "psk";
        return login->hello.nonce.length >= SHORTEST_NONCE ? NULL : "the nonce is shorter than 16 bytes";
    }
}

static struct login *remember(struct session *session, const struct hello *hello)
{
    struct login *login = session->login = calloc(1, sizeof *login);
    if (!login)
        return NULL;
    login->hello = *hello;
    login->hello.firmware = (struct text){ 0 };
    if (hello->nonce.length > 0)
        memcpy(login->nonce, hello->nonce.bytes, hello->nonce.length < LONGEST_NAME ? hello->nonce.length : 0);
    if (!copy(login->name, &hello->name))
        login->name[0] = '\0'; /* which is nobody's */
    memcpy(login->lookup, login->name, sizeof login->lookup);
    point_into(login);
    return login;
}

void login_hello(struct session *session, const struct hello *hello)
{
    struct app *app = session->loop->app;
    char peer[NET_PEER_SIZE];
    session_peer(session, peer);
    struct login *login = remember(session, hello);
    const char *problem = check_numbers(hello);
    if (!login) {
        session_refuse(session, COMPLAINT_UNAVAILABLE, BYE_UNAVAILABLE, "no memory");
    } else if (problem) {
        session_refuse(session, COMPLAINT_MALFORMED, BYE_MALFORMED, problem);
    } else if ((problem = take_way(session, login))) {
        session_refuse(session, COMPLAINT_CREDENTIALS, BYE_UNAUTHENTICATED, problem);
    } else if (!failure_gate_is_open(app->failures, peer, clock_monotonic_us()) && login->hello.way != WAY_TLS &&
               !(strcmp(login->kind, "token") == 0 &&
                   directory_device_known(app->directory, login->lookup, &login->device))) {
        session_refuse(session, COMPLAINT_TOO_MANY_FAILURES, BYE_TOO_MANY_FAILURES,
            "too many wrong credentials came from this address: wait a minute");
    } else {
        ask(session, login->hello.way != WAY_HMAC);
    }
}

/* ---- AUTH ---- */
void login_auth(struct session *session, const struct text *mac)
{
    struct login *login = session->login;
    unsigned char wanted[NWT_KEY_BYTES];
    const struct nwt_proof proof = { .key = login->device.key,
        .key_size = login->device.key_size,
        .server_nonce = login->server_nonce,
        .client_nonce = login->hello.nonce,
        .identity = login->hello.name,
        .epoch = login->hello.epoch };
    nwt_auth_mac(wanted, &proof);
    bool is_right = mac->length == sizeof wanted && auth_equal(wanted, mac->bytes, sizeof wanted) &&
                    login->device.tenant_id != 0 && login->device.key_size > 0;
    if (!is_right) {
        refuse_err(session, &(struct err){ ERR_UNAUTHENTICATED, "the answer to the challenge is wrong" });
        return;
    }
    if (!session->is_line && !net_is_tls(session->connection)) {
        nwt_session_key(session->guard.key, &proof);
        session->guard.in = session->guard.out = NWT_MAC;
    }
    ask(session, true);
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
        session_refuse(session, COMPLAINT_REVOKED, BYE_REVOKED, check->err.text);
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
    session_refuse(session, COMPLAINT_UNAVAILABLE, BYE_UNAVAILABLE, "the credential could not be checked");
}
