#include "base/clock.h"
#include "base/number.h"
#include "bus/bus_durable.h"
#include "bus/bus_hold.h"
#include "bus/bus_internal.h"
#include "bus/bus_position.h"
#include "bus/bus_ticket.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* We count what was asked for and has not come, and ask for another batch when no more than one is open, so that the
 * server always has two of our requests. The server serves waiting requests in turn, so a message cannot be told to
 * belong to one of them; only the talk about a request (status messages) names it, by the subject it came to. Nothing
 * here depends on that count being right: too low asks a little more than needed, too high ends with the heartbeats. */
enum {
    HEARTBEAT_MS = 2000,
    SILENCE_MS = 5000,   /* no word for so long while something is open: the requests are lost */
    GRACE_MS = 100,      /* beyond its expiry nothing is open of a request; 2.9 does not always say that it ended */
    STEP_MS = 200,       /* how soon a reconnection is noticed while waiting                    */
    FIRST_PAUSE_MS = 50, /* after a refused request, doubled up to ...                          */
    LONGEST_PAUSE_MS = 2000,
    REMAKE_WAIT_MS = 1000,
    DRAIN_MS = 1000,
    OPEN_WAIT_MS = BUS_API_WAIT_MS,
    ENVELOPE_BYTES = 4096, /* of a message: subject and reply subject, which max_payload does not count */
    NAME_SIZE = 128,
};

struct bus_consumer {
    struct bus *bus;
    struct bus_consumer_config config; /* its texts point to the copies here */
    char stream[NAME_SIZE], durable[NAME_SIZE], filter[2 * NAME_SIZE];
    char inbox[BUS_INBOX_SIZE];
    char ask_subject[3 * NAME_SIZE];
    char ask_body[160];
    natsSubscription *subscription;
    struct bus_hold *hold; /* NULL unless messages are to be kept from others */
    int64_t open_count;    /* asked for and not come */
    uint64_t asked;        /* number of the last request */
    uint64_t first_valid;  /* talk about requests before this one is old */
    int64_t asked_us[2];   /* when the last two requests were made, the last first */
    uint64_t reconnects;
    int64_t heard_us; /* when we last had a sign of life */
    int64_t ask_after_us;
    int64_t pause_ms;
    bool is_doubtful; /* the durable may be gone: look before asking */
};

/* ---- asking ---- */
/* A heartbeat must fit twice into the time that a request stays open; a short request ends by itself soon enough. */
static void write_ask_body(struct bus_consumer *consumer)
{
    const struct bus_consumer_config *config = &consumer->config;
    char bytes[48] = "", heartbeat[48] = "";
    if (config->batch_bytes > 0)
        snprintf(bytes, sizeof bytes, ",\"max_bytes\":%" PRId64, config->batch_bytes);
    if (config->expires_ms >= (int64_t)2 * HEARTBEAT_MS)
        snprintf(heartbeat, sizeof heartbeat, ",\"idle_heartbeat\":%" PRId64, (int64_t)HEARTBEAT_MS * 1000000);
    snprintf(consumer->ask_body, sizeof consumer->ask_body, "{\"batch\":%d,\"expires\":%" PRId64 "%s%s}", config->batch,
        config->expires_ms * 1000000, bytes, heartbeat);
}

/* A message that is larger than a request has room for would end every request and never come. */
static void fit_largest_message(struct bus_consumer *consumer)
{
    int64_t largest = natsConnection_GetMaxPayload(consumer->bus->control) + ENVELOPE_BYTES;
    if (consumer->config.batch_bytes > 0 && consumer->config.batch_bytes < largest)
        consumer->config.batch_bytes = largest;
    write_ask_body(consumer);
}

static void forget_requests(struct bus_consumer *consumer)
{
    consumer->open_count = 0;
    consumer->first_valid = consumer->asked + 1;
    metric_add(consumer->bus->pull_restart_total, 1);
}

static void pause_asking(struct bus_consumer *consumer, int64_t now_us)
{
    int64_t doubled = consumer->pause_ms * 2;
    consumer->ask_after_us = now_us + consumer->pause_ms * 1000;
    consumer->pause_ms = doubled < LONGEST_PAUSE_MS ? doubled : LONGEST_PAUSE_MS;
}

static void ask(struct bus_consumer *consumer, int64_t now_us)
{
    char reply[BUS_TICKET_SUBJECT_SIZE];
    bus_ticket_format(reply, sizeof reply, consumer->inbox, consumer->asked + 1);
    natsStatus status = natsConnection_PublishRequest(
        consumer->bus->control, consumer->ask_subject, reply, consumer->ask_body, (int)strlen(consumer->ask_body));
    if (status != NATS_OK) {
        pause_asking(consumer, now_us);
        return;
    }
    if (consumer->open_count == 0)
        consumer->heard_us = now_us;
    consumer->asked++;
    consumer->asked_us[1] = consumer->asked_us[0];
    consumer->asked_us[0] = now_us;
    consumer->open_count += consumer->config.batch;
}

/* False if it is settled that this will not work. While the stream is away we wait for it. */
static bool remake(struct bus_consumer *consumer, int64_t now_us, struct err *err)
{
    struct err why = { 0 };
    if (bus_durable_ensure(consumer->bus, &consumer->config, REMAKE_WAIT_MS, &why)) {
        consumer->is_doubtful = false;
        return true;
    }
    pause_asking(consumer, now_us);
    if (why.kind != ERR_CONFIG && why.kind != ERR_BUG)
        return true;
    *err = why;
    return false;
}

static bool keep_asking(struct bus_consumer *consumer, struct err *err)
{
    int64_t now_us = clock_monotonic_us();
    uint64_t reconnects = atomic_load(&consumer->bus->reconnects);
    if (reconnects != consumer->reconnects) {
        consumer->reconnects = reconnects;
        consumer->is_doubtful = true; /* the server may have come back without its disk */
        consumer->ask_after_us = now_us;
        forget_requests(consumer);
        fit_largest_message(consumer);
    }
    if (consumer->open_count > consumer->config.batch || now_us < consumer->ask_after_us)
        return true;
    struct err away = { 0 };
    if (!bus_check_connected(consumer->bus->control, consumer->durable, &away)) {
        if (away.kind == ERR_CONFIG)
            *err = away;
        return away.kind != ERR_CONFIG;
    }
    if (consumer->is_doubtful && !remake(consumer, now_us, err))
        return false;
    while (!consumer->is_doubtful && consumer->open_count <= consumer->config.batch && now_us >= consumer->ask_after_us)
        ask(consumer, now_us);
    return true;
}

/* ---- what comes ---- */
/* How much of the request is still open: the server says so; if it does not, all of it. */
static int64_t still_open(natsMsg *talk, int64_t batch)
{
    const char *text = NULL;
    int64_t pending;
    if (natsMsgHeader_Get(talk, "Nats-Pending-Messages", &text) != NATS_OK ||
        !number_parse_int(text, strlen(text), &pending) || pending < 0 || pending > batch)
        return batch;
    return pending;
}

static void end_request(struct bus_consumer *consumer, natsMsg *talk)
{
    uint64_t number;
    if (!bus_ticket_parse(natsMsg_GetSubject(talk), &number) || number < consumer->first_valid)
        return;
    consumer->open_count -= still_open(talk, consumer->config.batch);
    if (consumer->open_count < 0)
        consumer->open_count = 0;
}

/* A request that had no room left for the next message ends: that message goes to the next request, at once. */
static bool is_full_by_bytes(natsMsg *talk, const char *status)
{
    const char *description = NULL;
    return strcmp(status, "409") == 0 && natsMsgHeader_Get(talk, "Description", &description) == NATS_OK &&
           strcasecmp(description, "Message Size Exceeds MaxBytes") == 0;
}

/* 100: heartbeat. 404, 408: the request ended without enough messages. 409: refused or cut short, the description says
 * why. */
static void hear_talk(struct bus_consumer *consumer, natsMsg *talk, int64_t now_us)
{
    const char *status = NULL;
    const char *description = NULL;
    if (natsMsgHeader_Get(talk, "Status", &status) != NATS_OK)
        return;
    bool is_heartbeat = strcmp(status, "100") == 0;
    if (!is_heartbeat)
        end_request(consumer, talk);
    if (is_heartbeat || strcmp(status, "408") == 0 || is_full_by_bytes(talk, status)) {
        consumer->pause_ms = FIRST_PAUSE_MS;
        return;
    }
    if (natsMsgHeader_Get(talk, "Description", &description) == NATS_OK && strcmp(status, "409") == 0)
        consumer->is_doubtful = true;
    pause_asking(consumer, now_us);
}

/* 503: nobody listens to requests for this durable, so it, its stream or JetStream is not there. */
static void hear_nobody(struct bus_consumer *consumer, int64_t now_us)
{
    consumer->is_doubtful = true;
    forget_requests(consumer);
    pause_asking(consumer, now_us);
}

static bool take_message(struct bus_consumer *consumer, natsMsg *message, struct bus_message **out_message)
{
    int64_t now_us = clock_monotonic_us();
    consumer->heard_us = now_us;
    if (bus_reply_is_ack(natsMsg_GetReply(message))) {
        if (consumer->open_count > 0)
            consumer->open_count--;
        consumer->pause_ms = FIRST_PAUSE_MS;
        *out_message = bus_message_from(message);
        return true;
    }
    hear_talk(consumer, message, now_us);
    natsMsg_Destroy(message);
    return false;
}

/* Nothing waits to be read: so what a request of its age can still have open is known. */
static void notice_expiry(struct bus_consumer *consumer, int64_t now_us)
{
    int64_t oldest_us = now_us - (consumer->config.expires_ms + GRACE_MS) * 1000;
    if (consumer->asked_us[0] < oldest_us)
        consumer->open_count = 0;
    else if (consumer->asked_us[1] < oldest_us && consumer->open_count > consumer->config.batch)
        consumer->open_count = consumer->config.batch;
}

static void notice_silence(struct bus_consumer *consumer, int64_t now_us)
{
    notice_expiry(consumer, now_us);
    if (consumer->open_count == 0 || now_us - consumer->heard_us < (int64_t)SILENCE_MS * 1000)
        return;
    consumer->is_doubtful = true;
    consumer->heard_us = now_us;
    forget_requests(consumer);
}

static int64_t step_ms(int64_t now_us, int64_t end_us)
{
    int64_t left_ms = end_us <= now_us ? 0 : (end_us - now_us + 999) / 1000;
    return left_ms < STEP_MS ? left_ms : STEP_MS;
}

static natsStatus next_arrival(struct bus_consumer *consumer, natsMsg **out_message, int64_t wait_ms)
{
    return consumer->hold ? bus_hold_next(consumer->hold, out_message, wait_ms)
                          : natsSubscription_NextMsg(out_message, consumer->subscription, wait_ms);
}

bool bus_consumer_next(
    struct bus_consumer *consumer, int64_t wait_ms, struct bus_message **out_message, struct err *err)
{
    int64_t end_us = clock_end_us(wait_ms);
    for (;;) {
        natsMsg *message = NULL;
        if (!keep_asking(consumer, err))
            return false;
        natsStatus status = next_arrival(consumer, &message, step_ms(clock_monotonic_us(), end_us));
        int64_t now_us = clock_monotonic_us();
        if (status == NATS_OK) {
            if (take_message(consumer, message, out_message))
                return true;
        } else if (status == NATS_NO_RESPONDERS) {
            hear_nobody(consumer, now_us);
        } else if (status == NATS_TIMEOUT) {
            notice_silence(consumer, now_us);
            if (now_us < end_us)
                continue;
            *out_message = NULL;
            return true;
        } else {
            return bus_fail(err, status, "pulling from", consumer->durable);
        }
    }
}

/* ---- opening and closing ---- */
static bool copy_config(struct bus_consumer *consumer, const struct bus_consumer_config *config, struct err *err)
{
    consumer->config = *config;
    if (!bus_durable_complete(&consumer->config, err))
        return false;
    int length = snprintf(consumer->ask_subject, sizeof consumer->ask_subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s",
        config->stream, config->durable);
    if (strlen(config->stream) >= NAME_SIZE || strlen(config->durable) >= NAME_SIZE || length < 0 ||
        (size_t)length >= sizeof consumer->ask_subject ||
        (config->filter && strlen(config->filter) >= sizeof consumer->filter))
        return err_set(err, ERR_CONFIG, "the names of consumer %.40s are too long", config->durable);
    memcpy(consumer->stream, config->stream, strlen(config->stream) + 1);
    memcpy(consumer->durable, config->durable, strlen(config->durable) + 1);
    consumer->config.stream = consumer->stream;
    consumer->config.durable = consumer->durable;
    if (config->filter) {
        memcpy(consumer->filter, config->filter, strlen(config->filter) + 1);
        consumer->config.filter = consumer->filter;
    }
    return true;
}

static bool listen(struct bus_consumer *consumer, struct err *err)
{
    char subject[BUS_TICKET_SUBJECT_SIZE];
    if (!bus_inbox_name(consumer->inbox, err))
        return false;
    snprintf(subject, sizeof subject, "%s.*", consumer->inbox);
    natsStatus status = natsConnection_SubscribeSync(&consumer->subscription, consumer->bus->control, subject);
    /* No bound but what we ask for: dropping a message here would mean its redelivery after ack_wait. */
    if (status == NATS_OK)
        status = natsSubscription_SetPendingLimits(consumer->subscription, -1, -1);
    if (status != NATS_OK)
        return bus_fail(err, status, "listening for", consumer->durable);
    return !consumer->config.keeps ||
           bus_hold_open(&consumer->hold, consumer->bus, consumer->subscription, consumer->config.ack_wait_ms, err);
}

void bus_consumer_release(struct bus_consumer *consumer, struct bus_message *message)
{
    if (consumer->hold && message)
        bus_hold_drop(consumer->hold, nats_message(message));
    bus_message_close(message);
}

void bus_consumer_renew(struct bus_consumer *consumer)
{
    if (consumer->hold)
        bus_hold_renew(consumer->hold);
}

bool bus_consumer_open(
    struct bus_consumer **out_consumer, struct bus *bus, const struct bus_consumer_config *config, struct err *err)
{
    AUTO(bus_consumer) consumer = calloc(1, sizeof *consumer);
    if (!consumer)
        return err_set(err, ERR_LIMIT, "no memory for a consumer");
    consumer->bus = bus;
    consumer->pause_ms = FIRST_PAUSE_MS;
    consumer->first_valid = 1;
    consumer->reconnects = atomic_load(&bus->reconnects);
    if (!copy_config(consumer, config, err) || !bus_durable_ensure(bus, &consumer->config, OPEN_WAIT_MS, err) ||
        !listen(consumer, err))
        return false;
    fit_largest_message(consumer);
    *out_consumer = TAKE(consumer);
    return true;
}

/* What has arrived and nobody took goes back at once, not after ack_wait. First our open requests must go: the server
 * would send it right back to us until max_deliver is used up; and 2.9.10, finding only requests that nobody waits for
 * any more, loses track of what was given back first until ack_wait. It throws such requests out when it is asked about
 * the consumer. */
static void give_back(struct bus_consumer *consumer)
{
    natsMsg *message = NULL;
    bool ok = natsSubscription_DrainTimeout(consumer->subscription, DRAIN_MS) == NATS_OK &&
              bus_durable_exists(consumer->bus, &consumer->config, DRAIN_MS);
    bus_hold_stop(consumer->hold);
    while (ok && next_arrival(consumer, &message, DRAIN_MS) == NATS_OK) {
        struct err ignored = { 0 };
        if (bus_reply_is_ack(natsMsg_GetReply(message)))
            ok = bus_message_nak(consumer->bus, bus_message_from(message), 0, &ignored);
        bus_consumer_release(consumer, bus_message_from(message));
    }
}

void bus_consumer_close(struct bus_consumer *consumer)
{
    if (!consumer)
        return;
    if (consumer->subscription) {
        give_back(consumer);
        bus_hold_close(consumer->hold);
        natsSubscription_Unsubscribe(consumer->subscription);
        natsSubscription_Destroy(consumer->subscription);
    }
    free(consumer);
}
