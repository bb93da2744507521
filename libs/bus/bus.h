/* The message bus (NATS with JetStream): connection, requests, durable publishing, pull consumers. Hides nats.c and its
 * traps. A struct bus may be used by any thread; a consumer, a publisher and a message each by one thread at a time.
 * Reconnects for ever; only when the server refuses us after reconnecting (another password) is the bus closed for
 * good, and calls give ERR_CONFIG. Close what was opened on a bus before the bus. Subjects and headers that cannot be
 * sent (spaces, line ends, wildcards) give ERR_INPUT. */
#pragma once
#include "base/err.h"

struct bus;
struct bus_message;

struct bus_config {
    const char *url;  /* nats://127.0.0.1:4222, several with commas */
    const char *user; /* "" for none */
    const char *password;
    const char *name; /* of the client, for the server's logs */
};

/* Waits up to 5 s for the first connection: ERR_TRANSIENT if there is none, ERR_CONFIG if we are refused. */
MUST_CHECK bool bus_open(struct bus **out_bus, const struct bus_config *config, struct err *err);
void bus_close(struct bus *bus);
AUTO_DEFINE(bus, bus_close)
bool bus_is_connected(const struct bus *bus);
/* The largest message that the server takes, headers included; 0 while that is not known. */
size_t bus_largest_message(const struct bus *bus);
/* Called on a thread of the bus after every reconnection (caches flush what they may have missed). At most 8. */
MUST_CHECK bool bus_on_reconnect(struct bus *bus, void (*callback)(void *context), void *context, struct err *err);

/* ---- messages ---- */
struct bus_header {
    const char *name;
    const char *value;
};
/* What is sent; borrowed until the call returns. headers may be NULL. */
struct bus_outgoing {
    const char *subject;
    const void *data;
    size_t size;
    const struct bus_header *headers;
    size_t header_count;
};
/* What came; ours until closed. The texts live as long as the message. */
const char *bus_message_subject(const struct bus_message *message);
const void *bus_message_data(const struct bus_message *message);
size_t bus_message_size(const struct bus_message *message);
const char *bus_message_header(const struct bus_message *message, const char *name); /* NULL if absent; exact case */
void bus_message_close(struct bus_message *message);
AUTO_DEFINE(bus_message, bus_message_close)

/* ---- request and reply, plain publish and subscribe: not durable ---- */
/* ERR_TRANSIENT if nobody serves the subject or the bus is away, ERR_DEADLINE after timeout_ms. */
MUST_CHECK bool bus_request(struct bus *bus, const struct bus_outgoing *request, int64_t timeout_ms,
    struct bus_message **out_reply, struct err *err);
MUST_CHECK bool bus_reply(struct bus *bus, const struct bus_message *request, const void *data, size_t size,
    const struct bus_header *headers, size_t header_count, struct err *err);
MUST_CHECK bool bus_publish_plain(struct bus *bus, const struct bus_outgoing *message, struct err *err);

/* Calls handler on one thread of the bus for each message; it takes the message and must be quick (put it into a
 * queue). queue_group NULL: every subscriber gets every message. */
struct bus_subscription;
typedef void bus_handler_take(void *context, struct bus_message *message);
MUST_CHECK bool bus_subscribe(struct bus_subscription **out_subscription, struct bus *bus, const char *subject,
    const char *queue_group, bus_handler_take *handler, void *context, struct err *err);
/* Stops delivery and waits until no call of handler runs: not to be called from handler. */
void bus_subscription_close(struct bus_subscription *subscription);
AUTO_DEFINE(bus_subscription, bus_subscription_close)

/* ---- streams ---- */
struct bus_stream {
    const char *name;
    const char *subjects[4];   /* NULL-terminated unless full */
    int64_t max_bytes;         /* full: new messages are refused, ERR_LIMIT */
    int64_t max_age_ms;        /* 0: no bound */
    int64_t max_message_bytes; /* 0: the server's */
    int64_t duplicate_window_ms;
    bool is_work_queue; /* a message goes when acknowledged, else by limits; both refuse new ones when full */
    bool is_latest;     /* keeps the last message of each subject: see bus_latest */
};
/* Makes the stream or brings its limits up to date; ERR_CONFIG if it cannot be so (another retention, a subject that is
 * taken, more than the server has room for). On a stream that exists, replicas and placement stay as they are. */
MUST_CHECK bool bus_stream_ensure(struct bus *bus, const struct bus_stream *stream, struct err *err);
struct bus_stream_state {
    uint64_t messages, bytes, first_sequence, last_sequence; /* empty: first is last + 1 */
    int64_t max_bytes;
    int64_t first_at_us;   /* when the first message that is there came; of no meaning when it is empty */
    int64_t created_at_us; /* tells a stream from a later one of the same name */
};
/* ERR_NOT_FOUND if there is none. */
MUST_CHECK bool bus_stream_inspect(
    struct bus *bus, const char *name, struct bus_stream_state *out_state, struct err *err);

/* Up to which message of the stream all that are a durable consumer's were acknowledged. ERR_NOT_FOUND if there is no
 * such stream or consumer. */
MUST_CHECK bool bus_durable_acknowledged(
    struct bus *bus, const char *stream, const char *durable, uint64_t *out_sequence, struct err *err);

/* ---- the last message of a subject, as a value that many may change ---- */
/* ERR_NOT_FOUND if there is none; the message's data are the value. Caller closes. About 100 us. */
MUST_CHECK bool bus_latest(struct bus *bus, const char *stream, const char *subject, struct bus_message **out_message,
    uint64_t *out_sequence, struct err *err);
/* Stores a value if the subject's last message is still the one of last_sequence (0: there is none), else
 * ERR_PRECONDITION: read it again. Headers of value are not sent. The other errors are those of bus_publish; the same
 * message_id again gives the sequence of the first time. */
MUST_CHECK bool bus_replace(struct bus *bus, const struct bus_outgoing *value, const char *message_id,
    uint64_t last_sequence, int64_t timeout_ms, uint64_t *out_sequence, struct err *err);

/* ---- durable publishing ---- */
/* Returns when JetStream has stored the message. message_id is the Nats-Msg-Id; is_duplicate (may be NULL) says whether
 * the stream had it already. ERR_LIMIT: the stream is full. ERR_TRANSIENT, ERR_DEADLINE: not known to be stored:
 * publish again with the same id. */
MUST_CHECK bool bus_publish(struct bus *bus, const struct bus_outgoing *message, const char *message_id,
    int64_t timeout_ms, bool *is_duplicate, struct err *err);
/* The same, for those who want to know where it is; of a duplicate, where the first one is. */
struct bus_place {
    uint64_t sequence; /* in its stream */
    bool is_duplicate;
};
MUST_CHECK bool bus_publish_at(struct bus *bus, const struct bus_outgoing *message, const char *message_id,
    int64_t timeout_ms, struct bus_place *out_place, struct err *err);

/* Many in flight. The handler is called once for each message that put took, on a thread of the bus, with the context
 * given to put; err is NULL when stored, ERR_LIMIT when the stream is full, ERR_TRANSIENT when it is not known (no
 * acknowledgement within 5 s: publish again with the same id). It must be quick and must not put or close. */
struct bus_publisher;
typedef void bus_published(void *message_context, const struct err *err);
MUST_CHECK bool bus_publisher_open(struct bus_publisher **out_publisher, struct bus *bus, size_t most_in_flight,
    bus_published *handler, struct err *err);
/* Waits up to wait_ms for a place among those in flight; ERR_LIMIT if there was none, ERR_TRANSIENT if the bus was away
 * all the time. When it fails, the handler is not called. */
MUST_CHECK bool bus_publisher_put(struct bus_publisher *publisher, const struct bus_outgoing *message,
    const char *message_id, void *message_context, int64_t wait_ms, struct err *err);
/* Waits until none is in flight, at most wait_ms: ERR_DEADLINE. */
MUST_CHECK bool bus_publisher_flush(struct bus_publisher *publisher, int64_t wait_ms, struct err *err);
/* The handler is called with ERR_TRANSIENT for what is still in flight. */
void bus_publisher_close(struct bus_publisher *publisher);
AUTO_DEFINE(bus_publisher, bus_publisher_close)

/* ---- pull consumers ---- */
struct bus_consumer;
struct bus_consumer_config {
    const char *stream;
    const char *durable; /* shared by all replicas */
    const char *filter;  /* NULL: everything */
    int64_t ack_wait_ms;
    int64_t max_deliver; /* 0: 5; after that the message stays unacknowledged: the caller sends it to DEAD before */
    int64_t max_ack_pending;
    int batch; /* messages asked for at a time; about twice as many wait here */
    /* Bytes asked for at a time, subject and headers counted; about twice as many wait here, however large messages
     * are. Taken as at least what one message may be. 0: bounded by batch only. */
    int64_t batch_bytes;
    bool keeps; /* a thread tells the server, three times in each ack_wait, that what was given is being worked on */
    int64_t expires_ms; /* how long a request stays open at the server; 0: 30 s */
};
struct bus_position {
    uint64_t stream_sequence;
    uint64_t delivered; /* 1: the first time */
    uint64_t pending;   /* how many wait behind it */
};
/* ERR_NOT_FOUND if the stream is not there; ERR_CONFIG if the durable exists with another filter, which cannot be
 * changed. */
MUST_CHECK bool bus_consumer_open(
    struct bus_consumer **out_consumer, struct bus *bus, const struct bus_consumer_config *config, struct err *err);
/* What has arrived and was not taken goes back to the stream at once. */
void bus_consumer_close(struct bus_consumer *consumer);
AUTO_DEFINE(bus_consumer, bus_consumer_close)
/* The next message; *out_message is NULL after wait_ms without one (0: only what has arrived already). Own pull
 * requests on $JS.API.CONSUMER.MSG.NEXT: natsSubscription_Fetch of nats.c 3.4.1 writes past its list when answers are
 * late. Survives reconnects and a stream or consumer that was made anew: all these look like an empty stream meanwhile.
 * An error is for good: ERR_CONFIG, ERR_BUG. */
MUST_CHECK bool bus_consumer_next(
    struct bus_consumer *consumer, int64_t wait_ms, struct bus_message **out_message, struct err *err);
MUST_CHECK bool bus_message_position(
    const struct bus_message *message, struct bus_position *out_position, struct err *err);
/* Closes a message of this consumer: needed instead of bus_message_close when it keeps. */
void bus_consumer_release(struct bus_consumer *consumer, struct bus_message *message);
/* When it keeps: a sign of life from an owner that takes and releases nothing for minutes; after ten without one the
 * server is told nothing any more, and what a hung thread holds comes again to others. */
void bus_consumer_renew(struct bus_consumer *consumer);
/* Acknowledgement is sent, not confirmed: a lost one means redelivery, which consumers stand. ERR_TRANSIENT, when the
 * connection breaks at that moment, means the same and is no reason to stop. */
MUST_CHECK bool bus_message_ack(struct bus *bus, const struct bus_message *message, struct err *err);
/* Again after delay_ms. */
MUST_CHECK bool bus_message_nak(struct bus *bus, const struct bus_message *message, int64_t delay_ms, struct err *err);
/* Never again. */
MUST_CHECK bool bus_message_term(struct bus *bus, const struct bus_message *message, struct err *err);
/* Give me another ack_wait. */
MUST_CHECK bool bus_message_in_progress(struct bus *bus, const struct bus_message *message, struct err *err);
