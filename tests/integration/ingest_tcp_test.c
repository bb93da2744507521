/* ingest-tcp as a process, on a real NATS with a registry of the test, driven by the bytes of NWT/1. */
#include "tests/integration/complaint_check.h"
#include "tests/integration/nwt_client.h"

#include "nwims/v1/events.pb-c.h"
#include "nwims/v1/positions.pb-c.h"
#include "tests/support/test_identity.h"
#include <sys/wait.h>

static struct stack stack;
static struct bus_consumer *readings, *refused, *presence, *gaps_told, *results;
static struct identity server_identity;
static pid_t service;
static int port, tls_port, line_port, line_tls_port, admin_port;
static struct err err;
static uint64_t epoch = 100; /* each test takes one of its own */

static struct bus_consumer *events_of(const char *filter, const char *durable)
{
    struct bus_consumer *consumer = NULL;
    must(bus_consumer_open(&consumer, stack.bus,
             &(struct bus_consumer_config){ .stream = "EVENTS",
                 .durable = durable,
                 .filter = filter,
                 .ack_wait_ms = 30000,
                 .batch = 10,
                 .max_ack_pending = 1000 },
             &err),
        &err);
    return consumer;
}

static void set_address(const char *name, int *out_port)
{
    char address[64];
    *out_port = test_free_port();
    snprintf(address, sizeof address, "127.0.0.1:%d", *out_port);
    setenv(name, address, 1);
}

static void start_service(void)
{
    char program[512];
    const char *folder = getenv("NWIMS_BIN");
    snprintf(program, sizeof program, "%s/ingest-tcp", folder ? folder : "build/debug/bin");
    set_address("NWT_ADDRESS", &port);
    set_address("NWTS_ADDRESS", &tls_port);
    set_address("LINES_ADDRESS", &line_port);
    set_address("LINES_TLS_ADDRESS", &line_tls_port);
    set_address("ADMIN_ADDRESS", &admin_port);
    setenv("TLS_CERTIFICATE_FILE", server_identity.certificate_file, 1);
    setenv("TLS_KEY_FILE", server_identity.key_file, 1);
    setenv("NATS_URL", stack.nats.url, 1);
    setenv("MODBUS_NETWORKS", "127.0.0.0/8", 1);
    setenv("PLAIN_TOKENS", "true", 1);
    setenv("DRAIN_DELAY_MS", "0", 1);
    setenv("DRAIN_SPREAD_MS", "50", 1);
    setenv("WINDOW", "32", 1);
    setenv("FAILURES_A_MINUTE", "20", 1);
    service = test_process_start(stack.nats.folder, "ingest-tcp", (const char *[]){ program, NULL });
    test_wait_for_port(port);
}

static int start(void **state)
{
    (void)state;
    stack_start(&stack);
    identity_make(&server_identity, "localhost");
    readings = stack_consumer(&stack, "READINGS", "test-readings");
    refused = stack_consumer(&stack, "REFUSED", "test-refused");
    presence = events_of("events.*.presence", "test-presence");
    gaps_told = events_of("events.*.gaps", "test-gaps");
    results = events_of("events.*.command-result", "test-results");
    start_service();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bus_consumer_close(readings);
    bus_consumer_close(refused);
    bus_consumer_close(presence);
    bus_consumer_close(gaps_told);
    bus_consumer_close(results);
    stack_stop(&stack);
    identity_done(&server_identity);
    return 0;
}

/* ---- a device ---- */
static struct nwt_hello hello_of(uint64_t next, uint64_t acknowledged)
{
    return (struct nwt_hello){ .version = 1,
        .way = 1,
        .epoch = epoch,
        .oldest = acknowledged + 1,
        .next = next,
        .acknowledged = acknowledged,
        .name = STACK_TOKEN };
}

/* What has just changed, or comes back after a kill, is known a moment later. */
static struct nwt_client log_in_as(const struct nwt_hello *hello, uint64_t committed)
{
    struct nwt_frame frame = { 0 };
    for (int i = 0; i < 200; i++) {
        struct nwt_client client = nwt_dial(port);
        nwt_say_hello(&client, hello);
        if (nwt_next(&client, &frame) && frame.type == WELCOME) {
            assert_int_equal(frame.sequence, committed);
            return client;
        }
        close(client.fd);
        clock_sleep_ms(100);
    }
    fail_msg("no WELCOME: %u %u", frame.type, frame.payload[0]);
    return (struct nwt_client){ 0 };
}

static struct nwt_client log_in(void)
{
    const struct nwt_hello hello = hello_of(1, 0);
    epoch++;
    return log_in_as(&(struct nwt_hello){ 1, 1, epoch, hello.oldest, hello.next, 0, hello.name, NULL }, 0);
}

/* Acknowledgements until this one. */
static void expect_ack(struct nwt_client *client, uint64_t committed)
{
    struct nwt_frame frame = { 0 };
    uint64_t last = 0;
    do {
        if (!nwt_next(client, &frame))
            fail_msg("the connection ended before record %" PRIu64 " was acknowledged", committed);
        if (frame.type != ACK)
            fail_msg("type %u, code %u", frame.type, frame.payload[0]);
        assert_true(frame.sequence >= last);
        last = frame.sequence;
    } while (frame.sequence < committed);
    assert_int_equal(frame.sequence, committed);
}

static void expect_bye(struct nwt_client *client, unsigned code)
{
    struct nwt_frame frame = { 0 };
    while (nwt_next(client, &frame) && frame.type != BYE)
        ;
    assert_int_equal(frame.type, BYE);
    assert_int_equal(frame.payload[0], code);
    assert_false(nwt_next(client, &frame));
    close(client->fd);
}

static const Nwims__V1__ReadingBatch *next_batch(void)
{
    return (const Nwims__V1__ReadingBatch *)stack_next(&stack, readings, &nwims__v1__reading_batch__descriptor, NULL);
}

static size_t rows_of(size_t wanted)
{
    size_t rows = 0;
    const Nwims__V1__ReadingBatch *batch = NULL;
    while (rows < wanted && (batch = next_batch()))
        rows += batch->n_value;
    return rows;
}

/* ---- tests ---- */
static void records_are_acknowledged_when_the_stream_has_them(void **state)
{
    struct nwt_client client = log_in();
    (void)state;
    nwt_say_data(&client, 1, 1, "{\"t\":1790000000,\"m\":{\"P1\":3.5,\"F1\":2}}"); /* not in memory yet */
    expect_ack(&client, 1);
    const Nwims__V1__ReadingBatch *batch = next_batch();
    assert_int_equal(batch->n_value, 2);
    assert_int_equal(batch->tenant_id, 7);
    assert_string_equal(batch->provenance->protocol, "tcp");
    assert_string_equal(batch->provenance->device_id, STACK_DEVICE);
    nwt_say_data(&client, 2, 3, "[{\"t\":1790000001,\"m\":{\"P1\":3.6}},{\"t\":1790000002,\"m\":{\"P1\":3.7}}]");
    expect_ack(&client, 4);
    batch = next_batch();
    assert_int_equal(batch->n_value, 2);
    assert_true(batch->base_at == INT64_C(1790000001000000) && batch->value[0] == 3.6);
    close(client.fd);
}

static void a_flood_beyond_the_window_is_stored_in_order_in_few_batches(void **state)
{
    enum { COUNT = 400 };
    size_t batches = 0, rows = 0;
    struct nwt_client client = log_in();
    (void)state;
    for (unsigned i = 1; i <= COUNT; i++) {
        char body[96];
        snprintf(body, sizeof body, "{\"t\":%u,\"m\":{\"P1\":%u}}", 1790000100 + i, i % 10);
        nwt_say_data(&client, i, 1, body);
    }
    expect_ack(&client, COUNT);
    for (int64_t last = 0; rows < COUNT; batches++) {
        const Nwims__V1__ReadingBatch *batch = next_batch();
        assert_non_null(batch);
        assert_true(batch->base_at > last);
        last = batch->base_at;
        rows += batch->n_value;
    }
    assert_int_equal(rows, COUNT);
    assert_true(batches < COUNT / 4);
    close(client.fd);
}

static void after_a_break_the_device_goes_on_where_it_was_acknowledged(void **state)
{
    struct nwt_client client = log_in();
    (void)state;
    for (unsigned i = 1; i <= 5; i++)
        nwt_say_data(&client, i, 1, "{\"t\":1790000200,\"m\":{\"P1\":1}}");
    expect_ack(&client, 5);
    close(client.fd);
    struct nwt_hello hello = hello_of(8, 3); /* two acknowledgements were lost on the way */
    client = log_in_as(&hello, 5);
    for (unsigned i = 4; i <= 7; i++)
        nwt_say_data(&client, i, 1, "{\"t\":1790000201,\"m\":{\"P1\":1}}");
    expect_ack(&client, 7);
    assert_int_equal(rows_of(7), 7);
    assert_null(next_batch()); /* 4 and 5 were not stored again */
    /* A kill and another process: the position is in the stream. */
    test_process_end(service, SIGKILL);
    start_service();
    close(client.fd);
    hello = hello_of(8, 7);
    client = log_in_as(&hello, 7);
    hello = hello_of(5, 4); /* its store was wiped, but it says the same epoch */
    close(client.fd);
    client = nwt_dial(port);
    nwt_say_hello(&client, &hello);
    expect_bye(&client, BYE_IS_EPOCH);
    client = log_in(); /* with another it begins anew */
    close(client.fd);
}

/* Before there were several streams all were in the first, in which this device is not. The first test of all: nothing
 * of the device is in its own yet. */
static void a_position_of_before_the_streams_were_several_is_taken_up(void **state)
{
    Nwims__V1__DevicePosition old = NWIMS__V1__DEVICE_POSITION__INIT;
    AUTO_INPLACE(buffer) body = { .ceiling_bytes = 1024 };
    uint8_t owner[16] = { 1 };
    (void)state;
    old.has_epoch = old.has_committed = old.has_owner = old.has_at = true;
    old.epoch = epoch;
    old.committed = 40;
    old.owner = (ProtobufCBinaryData){ sizeof owner, owner };
    must(wire_encode(&body, &old.base, &err), &err);
    must(bus_publish(stack.bus,
             &(struct bus_outgoing){ .subject = "positions.7." STACK_DEVICE, .data = body.data, .size = body.size },
             NULL, 5000, NULL, &err),
        &err);
    struct nwt_hello hello = hello_of(42, 0); /* it has forgotten what it was told */
    struct nwt_client client = log_in_as(&hello, 40);
    nwt_say_data(&client, 41, 1, "{\"t\":1790000050,\"m\":{\"P1\":1}}");
    expect_ack(&client, 41);
    close(client.fd);
    hello.next = 43;
    client = log_in_as(&hello, 41);
    close(client.fd);
    assert_int_equal(rows_of(1), 1);
}

static void records_that_a_device_has_lost_are_gone_past(void **state)
{
    struct nwt_client client = log_in();
    (void)state;
    nwt_say_data(&client, 1, 1, "{\"t\":1790000300,\"m\":{\"P1\":1}}");
    expect_ack(&client, 1);
    nwt_say_data(&client, 5, 1, "{\"t\":1790000301,\"m\":{\"P1\":1}}");
    expect_ack(&client, 5);
    close(client.fd);
    struct nwt_hello hello = hello_of(20, 5);
    hello.oldest = 11; /* 6 to 10 were overwritten */
    client = log_in_as(&hello, 10);
    close(client.fd);
    assert_int_equal(rows_of(2), 2);
}

/* The next event with so many gaps, and so many numbers that came late. */
static const Nwims__V1__DeviceGaps *gaps_with(size_t missing, uint64_t late)
{
    const Nwims__V1__DeviceGaps *event;
    while ((event = (const Nwims__V1__DeviceGaps *)stack_next(
                &stack, gaps_told, &nwims__v1__device_gaps__descriptor, NULL)))
        if (event->epoch == epoch && event->n_missing == missing && event->late == late)
            return event;
    fail_msg("%zu gaps after %" PRIu64 " late numbers were not told", missing, late);
    return NULL;
}

static void a_gap_is_told_and_closed_by_what_comes_late_also_after_a_kill(void **state)
{
    struct nwt_client client = log_in();
    struct nwt_frame frame;
    (void)state;
    nwt_say_data(&client, 1, 1, "{\"t\":1790000310,\"m\":{\"P1\":1}}");
    nwt_say_data(&client, 5, 1, "{\"t\":1790000315,\"m\":{\"P1\":5}}");
    expect_ack(&client, 5);
    const Nwims__V1__DeviceGaps *event = gaps_with(1, 0);
    assert_int_equal(event->tenant_id, 7);
    assert_string_equal(event->device_id, STACK_DEVICE);
    assert_int_equal(event->missing[0]->first, 2);
    assert_int_equal(event->missing[0]->last, 4);
    nwt_say_data(&client, 3, 1, "{\"t\":1790000313,\"m\":{\"P1\":3}}");
    assert_true(nwt_next(&client, &frame)); /* the same number once more: the late one is stored */
    assert_int_equal(frame.type, ACK);
    assert_int_equal(frame.sequence, 5);
    assert_int_equal(rows_of(3), 3);
    test_process_end(service, SIGKILL);
    start_service();
    close(client.fd);
    struct nwt_hello hello = hello_of(8, 5);
    client = log_in_as(&hello, 5);
    event = gaps_with(2, 1);
    assert_int_equal(event->missing[0]->last, 2);
    assert_int_equal(event->missing[1]->first, 4);
    nwt_say_data(&client, 3, 1, "{\"t\":1790000313,\"m\":{\"P1\":3}}"); /* again: it is there */
    assert_true(nwt_next(&client, &frame) && frame.type == ACK);
    nwt_say_data(&client, 2, 1, "{\"t\":1790000312,\"m\":{\"P1\":2}}");
    nwt_say_data(&client, 4, 1, "{\"t\":1790000314,\"m\":{\"P1\":4}}");
    nwt_say_data(&client, 6, 1, "{\"t\":1790000316,\"m\":{\"P1\":6}}");
    while (nwt_next(&client, &frame) && frame.sequence < 6)
        assert_int_equal(frame.type, ACK);
    close(client.fd); /* what was not told within the second is told now */
    event = gaps_with(0, 3);
    assert_int_equal(event->missed, 3);
    assert_int_equal(rows_of(3), 3);
}

static void what_is_wrong_is_kept_told_and_done_with(void **state)
{
    struct nwt_frame frame = { 0 };
    struct nwt_client client = log_in();
    (void)state;
    nwt_say_data(&client, 1, 1, "{\"m\":{\"NONE\":1}}");
    assert_true(nwt_next(&client, &frame));
    assert_int_equal(frame.type, NACK);
    assert_int_equal(frame.sequence, 1);
    assert_int_equal(frame.payload[4], 1); /* for good */
    expect_ack(&client, 1);
    const Nwims__V1__Refused *kept =
        (const Nwims__V1__Refused *)stack_next(&stack, refused, &nwims__v1__refused__descriptor, NULL);
    assert_string_equal(kept->reason, "unknown_sensor");
    assert_string_equal(kept->provenance->protocol, "tcp");
    nwt_say_data(&client, 2, 1, "{\"m\":{\"P1\":");
    nwt_say_data(&client, 3, 1, "{\"t\":1790000400,\"m\":{\"P1\":2,\"THEIRS\":3}}");
    assert_true(nwt_next(&client, &frame));
    assert_int_equal(frame.type, NACK);
    expect_ack(&client, 3);
    kept = (const Nwims__V1__Refused *)stack_next(&stack, refused, &nwims__v1__refused__descriptor, NULL);
    assert_string_equal(kept->reason, "malformed");
    kept = (const Nwims__V1__Refused *)stack_next(&stack, refused, &nwims__v1__refused__descriptor, NULL);
    assert_string_equal(kept->reason, "foreign_sensor");
    assert_int_equal(rows_of(1), 1); /* the good one beside the foreign one */
    close(client.fd);
}

static void ping_and_time_are_answered(void **state)
{
    struct nwt_frame frame = { 0 };
    struct nwt_client client = log_in();
    (void)state;
    nwt_send(&client, PING, 77, NULL);
    assert_true(nwt_next(&client, &frame));
    assert_int_equal(frame.type, PONG);
    assert_int_equal(frame.sequence, 77);
    nwt_send(&client, TIME, 0, NULL);
    assert_true(nwt_next(&client, &frame));
    assert_int_equal(frame.type, TIME);
    int64_t off_us = (int64_t)nwt_number(frame.payload, 8) - clock_now_us();
    assert_true(off_us > -60000000 && off_us < 60000000);
    nwt_send(&client, BYE, 0, NULL);
    assert_false(nwt_next(&client, &frame));
    close(client.fd);
}

static struct nwt_client challenged(const char *identity, const char *key, struct nwt_hello *hello)
{
    struct nwt_frame frame = { 0 };
    struct nwt_client client = nwt_dial(port);
    *hello = (struct nwt_hello){ 1, 2, ++epoch, 1, 1, 0, identity, "0123456789abcdef" };
    nwt_say_hello(&client, hello);
    assert_true(nwt_next(&client, &frame));
    assert_int_equal(frame.type, CHALLENGE);
    assert_int_equal(frame.size, 32);
    nwt_say_auth(&client, hello, frame.payload, key);
    return client;
}

static void without_tls_a_device_and_we_prove_that_we_have_the_key(void **state)
{
    struct nwt_frame frame = { 0 };
    struct nwt_hello hello;
    struct nwt_client client = challenged(STACK_PSK_IDENTITY, STACK_PSK, &hello);
    (void)state;
    client.has_mac = true;
    assert_true(nwt_next(&client, &frame));
    assert_int_equal(frame.type, WELCOME);
    nwt_say_data(&client, 1, 1, "{\"t\":1790000500,\"m\":{\"P1\":2}}");
    expect_ack(&client, 1);
    assert_int_equal(rows_of(1), 1);
    client.sent = 0; /* a frame that was heard before */
    nwt_send(&client, PING, 1, NULL);
    expect_bye(&client, 1);
    client = challenged(STACK_PSK_IDENTITY, "another-key-than", &hello);
    expect_bye(&client, BYE_IS_UNAUTHENTICATED);
    client = challenged("nobody", STACK_PSK, &hello); /* is told no more than that */
    expect_bye(&client, BYE_IS_UNAUTHENTICATED);
}

static void the_newest_connection_of_a_device_wins(void **state)
{
    struct nwt_client old = log_in();
    (void)state;
    nwt_say_data(&old, 1, 1, "{\"t\":1790000600,\"m\":{\"P1\":2}}");
    expect_ack(&old, 1);
    struct nwt_hello hello = hello_of(2, 1);
    struct nwt_client client = log_in_as(&hello, 1);
    expect_bye(&old, BYE_IS_TAKEN_OVER);
    nwt_say_data(&client, 2, 1, "{\"t\":1790000601,\"m\":{\"P1\":2}}");
    expect_ack(&client, 2);
    close(client.fd);
    assert_int_equal(rows_of(2), 2);
}

static void at_another_replica_the_device_goes_on_and_the_old_one_lets_go(void **state)
{
    struct nwt_client old = log_in();
    int old_port = port;
    pid_t first = service;
    (void)state;
    nwt_say_data(&old, 1, 1, "{\"t\":1790000700,\"m\":{\"P1\":2}}");
    expect_ack(&old, 1);
    start_service(); /* a second one */
    struct nwt_hello hello = hello_of(3, 1);
    struct nwt_client client = log_in_as(&hello, 1);
    nwt_say_data(&client, 2, 1, "{\"t\":1790000701,\"m\":{\"P1\":2}}");
    expect_ack(&client, 2);
    nwt_say_data(&old, 2, 1, "{\"t\":1790000701,\"m\":{\"P1\":2}}"); /* half open, it still sends */
    expect_bye(&old, 4);
    nwt_say_data(&client, 3, 1, "{\"t\":1790000702,\"m\":{\"P1\":2}}");
    expect_ack(&client, 3);
    close(client.fd);
    test_process_end(service, SIGTERM);
    service = first;
    port = old_port;
    hello = hello_of(4, 3);
    client = log_in_as(&hello, 3); /* and back */
    close(client.fd);
    assert_int_equal(rows_of(4), 4);
}

#define COMMAND "01900000-0000-7000-8000-0000000000e1"
static void a_command_goes_down_and_its_answer_comes_up(void **state)
{
    static const char wanted[] = "\x24" COMMAND "\x04"
                                 "open{\"percent\":40}";
    Nwims__V1__DeviceCommand event = NWIMS__V1__DEVICE_COMMAND__INIT;
    AUTO_INPLACE(buffer) body = { 0 };
    AUTO_INPLACE(buffer) reply = { 0 };
    struct nwt_frame frame = { 0 };
    struct nwt_client client = log_in();
    (void)state;
    event.has_tenant_id = true;
    event.tenant_id = 7;
    event.command_id = (char[]){ COMMAND };
    event.device_id = (char[]){ STACK_DEVICE };
    event.protocol = (char[]){ "tcp" };
    event.name = (char[]){ "open" };
    event.payload = (char[]){ "{\"percent\":40}" };
    event.state = (char[]){ "queued" };
    must(wire_encode(&body, &event.base, &err) &&
             bus_publish(stack.bus,
                 &(struct bus_outgoing){ .subject = "events.7.command", .data = body.data, .size = body.size }, NULL,
                 5000, NULL, &err),
        &err);
    assert_true(nwt_next(&client, &frame));
    assert_int_equal(frame.type, CMD);
    assert_int_equal(frame.size, strlen(wanted));
    assert_memory_equal(frame.payload, wanted, frame.size);
    nwt_put(&reply, 36, 1);
    buffer_put_text(&reply, COMMAND "{\"ok\":true}");
    nwt_send(&client, CMD_RES, 0, &reply);
    static const char *const states[] = { "sent", "acknowledged" };
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        const Nwims__V1__CommandResult *result =
            (const Nwims__V1__CommandResult *)stack_next(&stack, results, &nwims__v1__command_result__descriptor, NULL);
        assert_non_null(result);
        assert_string_equal(result->command_id, COMMAND);
        assert_string_equal(result->state, states[i]);
    }
    close(client.fd);
}

static void a_revoked_device_is_put_out_within_two_seconds(void **state)
{
    struct nwt_client client = log_in();
    (void)state;
    stack_tell(&stack, "device", STACK_DEVICE, "LOGGER", NULL); /* renamed, say: it stays */
    nwt_say_data(&client, 1, 1, "{\"t\":1790000800,\"m\":{\"P1\":1}}");
    expect_ack(&client, 1);
    atomic_store(&stack.registry.credential_is_gone, true);
    int64_t began_us = clock_monotonic_us();
    stack_tell(&stack, "credential", STACK_CREDENTIAL, NULL, STACK_TOKEN);
    expect_bye(&client, BYE_IS_REVOKED);
    assert_in_range(clock_monotonic_us() - began_us, 0, 2000000);
    atomic_store(&stack.registry.credential_is_gone, false);
    stack_tell(&stack, "credential", STACK_CREDENTIAL, NULL, STACK_TOKEN);
    assert_int_equal(rows_of(1), 1);
}

static void guessing_is_stopped_and_the_known_device_comes_in(void **state)
{
    int code = 0, wrong = 0;
    (void)state;
    nwt_from = "127.0.0.2";
    struct nwt_client client = log_in();
    close(client.fd);
    for (int i = 0; i < 200 && code != BYE_IS_TOO_MANY_FAILURES; i++) {
        char token[32];
        struct nwt_frame frame = { 0 };
        snprintf(token, sizeof token, "nwd_wrong-%d", i);
        client = nwt_dial(port);
        nwt_say_hello(&client, &(struct nwt_hello){ 1, 1, 1, 1, 1, 0, token, NULL });
        assert_true(nwt_next(&client, &frame));
        assert_int_equal(frame.type, BYE);
        code = frame.payload[0];
        wrong += code == BYE_IS_UNAUTHENTICATED;
        close(client.fd);
    }
    assert_int_equal(code, BYE_IS_TOO_MANY_FAILURES);
    assert_int_equal(wrong, 20);
    client = log_in();
    close(client.fd);
    nwt_from = "127.0.0.1";
}

static void what_the_stream_does_not_take_is_not_acknowledged_until_it_does(void **state)
{
    struct bus_stream small = {
        .name = "READINGS", .subjects = { "readings.>" }, .max_bytes = 200, .duplicate_window_ms = 60000
    };
    struct timeval moment = { .tv_usec = 700000 }, patience = { .tv_sec = NWT_PATIENCE_S };
    char byte;
    struct nwt_client client = log_in();
    (void)state;
    must(bus_stream_ensure(stack.bus, &small, &err), &err);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
    nwt_say_data(&client, 1, 1, "{\"t\":1790000900,\"m\":{\"P1\":4.25}}");
    assert_true(recv(client.fd, &byte, 1, 0) < 0); /* neither an acknowledgement nor an end */
    must(streams_ensure(stack.bus, &err), &err);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    expect_ack(&client, 1);
    test_process_end(stack.nats.pid, SIGKILL);
    nwt_say_data(&client, 2, 1, "{\"t\":1790000901,\"m\":{\"P1\":4.5}}");
    clock_sleep_ms(300);
    test_nats_restart(&stack.nats);
    expect_ack(&client, 2);
    close(client.fd);
    struct nwt_hello hello = hello_of(3, 0); /* it has forgotten what it was told */
    hello.oldest = 3;
    client = log_in_as(&hello, 2);
    close(client.fd);
}

/* ---- Modbus ---- */
static int slave_listen(int *out_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct timeval patience = { .tv_sec = NWT_PATIENCE_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    *out_port = test_free_port();
    address.sin_port = htons((uint16_t)*out_port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* The request must be these bytes; the answer is these. */
static void slave_answer(int fd, const char *request, const char *answer)
{
    unsigned char got[12], bytes[64];
    char text[2 * sizeof got + 1];
    assert_int_equal(recv(fd, got, sizeof got, MSG_WAITALL), sizeof got);
    text_hex(text, got, sizeof got);
    assert_string_equal(text, request);
    assert_true(text_from_hex(bytes, strlen(answer) / 2, answer, strlen(answer)));
    assert_int_equal(send(fd, bytes, strlen(answer) / 2, MSG_NOSIGNAL), strlen(answer) / 2);
}

static int slave_accept(int listener)
{
    struct timeval patience = { .tv_sec = NWT_PATIENCE_S };
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* The example of the Modbus specification, section 6.3, as it goes over TCP: registers 107 to 109 hold 555, 0, 100. */
static void a_modbus_device_is_asked_and_its_registers_stored(void **state)
{
    static char configuration[640];
    int slave_port, listener = slave_listen(&slave_port);
    (void)state;
    while (next_batch())
        ;
    snprintf(configuration, sizeof configuration,
        "{\"modbus\":{\"host\":\"127.0.0.1\",\"port\":%d,\"unit_id\":17,\"period_s\":1,\"timeout_ms\":500,"
        "\"registers\":[{\"sensor\":"
        "\"P1\",\"address\":107,\"scale\":0.01,\"unit\":\"bar\"},{\"sensor\":\"F1\",\"address\":109,\"type\":\"int16\","
        "\"offset\":-"
        "40,\"invalid\":[100]},{\"sensor\":\"ODD2\",\"address\":108}]}}",
        slave_port);
    atomic_store(&stack.registry.configuration, configuration);
    stack_tell(&stack, "device", STACK_DEVICE, "RTU", NULL);
    int fd = slave_accept(listener);
    slave_answer(fd,
        "000100000006"
        "1103006b0003",
        "000100000009"
        "110306022b00000064");
    const Nwims__V1__ReadingBatch *batch = next_batch();
    assert_non_null(batch);
    assert_int_equal(batch->n_value, 2); /* there is no ODD2 */
    assert_true(batch->value[0] > 5.549 && batch->value[0] < 5.551);
    assert_true(batch->value[1] == 60);
    assert_true(batch->base_at % 1000000 == 0);
    assert_int_equal(batch->n_status, 2);
    assert_int_equal(batch->status[0], 0);
    assert_int_equal(batch->status[1], 0x808C0000u); /* by 100 it says that its sensor has failed */
    assert_string_equal(batch->provenance->codec, "modbus");
    assert_string_equal(batch->provenance->device_id, STACK_DEVICE);
    slave_answer(fd,
        "000200000006"
        "1103006b0003",
        "000200000003"
        "118302"); /* the exception of the same section: no such address */
    struct timeval moment = { .tv_sec = 3 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
    slave_answer(fd,
        "000300000006"
        "1103006b0003",
        "00030000000911030600010002"); /* cut off: the rest never comes */
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0); /* given up, and begun anew */
    close(fd);
    fd = slave_accept(listener);
    atomic_store(&stack.registry.configuration, (const char *)NULL);
    stack_tell(&stack, "device", STACK_DEVICE, "RTU", NULL);
    close(fd);
    close(listener);
    while (stack_next(&stack, refused, &nwims__v1__refused__descriptor, NULL))
        ;
}

static void it_says_goodbye_when_it_ends(void **state)
{
    int status = 1;
    struct nwt_client client = log_in();
    (void)state;
    assert_int_equal(kill(service, SIGTERM), 0);
    expect_bye(&client, BYE_IS_GOING);
    for (int i = 0; i < 400 && waitpid(service, &status, WNOHANG) == 0; i++)
        clock_sleep_ms(50);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void refused_logins_are_recorded_and_a_flood_of_them_is_counted(void **state)
{
    (void)state;
    stack_expect_refused_logins(&stack, "ingest-tcp-test", "tcp");
}

static void expect_bye_to(const char *bytes, size_t size, unsigned code)
{
    struct nwt_client client = nwt_dial(port);
    assert_int_equal(send(client.fd, bytes, size, MSG_NOSIGNAL), size);
    expect_bye(&client, code);
}

static void expect_bye_to_hello(unsigned version, const char *token, unsigned code)
{
    struct nwt_hello hello = hello_of(1, 0);
    struct nwt_client client = nwt_dial(port);
    hello.version = (uint8_t)version;
    hello.name = token;
    nwt_say_hello(&client, &hello);
    expect_bye(&client, code);
}

static void every_refusal_is_answered_counted_and_logged_once_in_a_while(void **state)
{
    enum { TIMES = 5, MALFORMED = 1, VERSION = 2, TOO_LARGE = 8, PROTOCOL = 9 };
    static const char *const reasons[] = { "version", "malformed", "too_large", "credentials", "protocol", "epoch" };
    int before[COUNT_OF(reasons)];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        before[i] = complaints_counted(admin_port, "tcp", reasons[i]);
    struct nwt_client client = log_in();
    nwt_say_data(&client, 1, 1, "{\"t\":1790000900,\"m\":{\"P1\":1}}");
    expect_ack(&client, 1);
    close(client.fd);
    assert_int_equal(rows_of(1), 1);
    for (int i = 0; i < TIMES; i++) {
        expect_bye_to_hello(2, STACK_TOKEN, VERSION);
        expect_bye_to("\0\0\5\1", 4, MALFORMED);
        expect_bye_to("\1\0\1", 3, TOO_LARGE);
        expect_bye_to_hello(1, "wrong", BYE_IS_UNAUTHENTICATED);
        client = nwt_dial(port);
        nwt_send(&client, PING, 1, NULL);
        expect_bye(&client, PROTOCOL);
        expect_bye_to_hello(1, STACK_TOKEN, BYE_IS_EPOCH); /* its first record is stored */
    }
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        complaints_expect(&stack, admin_port, "tcp", reasons[i], before[i], TIMES);
}

/* ---- the same over lines of JSON ---- */
/* The next line that has this word; false at the end. */
static bool hear_line(int fd, const char *word, char *line, size_t line_size)
{
    size_t size = 0;
    while (size + 1 < line_size && recv(fd, line + size, 1, 0) == 1) {
        if (line[size++] != '\n')
            continue;
        line[size] = '\0';
        if (strstr(line, word))
            return true;
        size = 0;
    }
    return false;
}

/* Says the lines, and hears the end with its reason. */
static void expect_bye_to_lines(const char *lines, const char *reason)
{
    struct nwt_client client = nwt_dial(line_port);
    char line[1024], wanted[64];
    assert_int_equal(send(client.fd, lines, strlen(lines), MSG_NOSIGNAL), strlen(lines));
    snprintf(wanted, sizeof wanted, "\"bye\":\"%s\"", reason);
    if (!hear_line(client.fd, "\"bye\"", line, sizeof line))
        fail_msg("no bye to %.80s", lines);
    if (!strstr(line, wanted) || !strstr(line, "\"problem\":\""))
        fail_msg("%.80s: %s", lines, line);
    assert_int_equal(recv(client.fd, line, 1, 0), 0);
    close(client.fd);
}

static void every_refusal_of_a_line_is_answered_counted_and_logged_once_in_a_while(void **state)
{
    enum { TIMES = 3, LONG = 70000 };
    static char hello[256], again[256], wrong[256], twice[512], too_long[LONG + 2], line[1024];
    const struct {
        const char *lines, *bye, *reason;
    } refusals[] = {
        { "{\n", "malformed", "malformed" }, { "{\"hello\":{\"version\":9},\"auth\":{}}\n", "version", "version" },
        { too_long, "too-large", "too_large" }, { wrong, "unauthenticated", "credentials" },
        { "{\"s\":1}\n", "protocol", "protocol" }, { again, "epoch", "epoch" }, /* its first record is stored */
    };
    int before[COUNT_OF(refusals)], payload_before = complaints_counted(admin_port, "tcp", "payload");
    (void)state;
    epoch++;
    snprintf(hello, sizeof hello,
        "{\"hello\":{\"epoch\":%" PRIu64 ",\"oldest\":1,\"next\":1},\"auth\":{\"token\":\"%s\"}}\n", (uint64_t)epoch,
        STACK_TOKEN);
    snprintf(again, sizeof again, "%s", hello);
    snprintf(wrong, sizeof wrong, "{\"hello\":{\"epoch\":1},\"auth\":{\"token\":\"wrong\"}}\n");
    memset(too_long, 'x', LONG);
    too_long[LONG] = '\n';
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        before[i] = complaints_counted(admin_port, "tcp", refusals[i].reason);
    /* A record that cannot be a reading is refused for good; the connection goes on, and the next one is stored. */
    struct nwt_client client = nwt_dial(line_port);
    snprintf(twice, sizeof twice,
        "%s{\"s\":1,\"t\":1790000950,\"m\":[]}\n{\"s\":2,\"t\":1790000951,\"m\":{\"P1\":1}}\n", hello);
    assert_int_equal(send(client.fd, twice, strlen(twice), MSG_NOSIGNAL), strlen(twice));
    assert_true(hear_line(client.fd, "\"welcome\"", line, sizeof line));
    assert_true(hear_line(client.fd, "\"nack\":1", line, sizeof line));
    assert_non_null(strstr(line, "\"permanent\""));
    assert_true(hear_line(client.fd, "\"ack\":2", line, sizeof line));
    close(client.fd);
    assert_int_equal(rows_of(1), 1);
    complaints_expect(&stack, admin_port, "tcp", "payload", payload_before, 1);
    while (stack_next(&stack, refused, &nwims__v1__refused__descriptor, NULL))
        ;
    for (int n = 0; n < TIMES; n++)
        for (size_t i = 0; i < COUNT_OF(refusals); i++)
            expect_bye_to_lines(refusals[i].lines, refusals[i].bye);
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        complaints_expect(&stack, admin_port, "tcp", refusals[i].reason, before[i], TIMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_of_before_the_streams_were_several_is_taken_up),
        cmocka_unit_test(every_refusal_is_answered_counted_and_logged_once_in_a_while),
        cmocka_unit_test(every_refusal_of_a_line_is_answered_counted_and_logged_once_in_a_while),
        cmocka_unit_test(records_are_acknowledged_when_the_stream_has_them),
        cmocka_unit_test(a_flood_beyond_the_window_is_stored_in_order_in_few_batches),
        cmocka_unit_test(after_a_break_the_device_goes_on_where_it_was_acknowledged),
        cmocka_unit_test(records_that_a_device_has_lost_are_gone_past),
        cmocka_unit_test(a_gap_is_told_and_closed_by_what_comes_late_also_after_a_kill),
        cmocka_unit_test(what_is_wrong_is_kept_told_and_done_with),
        cmocka_unit_test(ping_and_time_are_answered),
        cmocka_unit_test(without_tls_a_device_and_we_prove_that_we_have_the_key),
        cmocka_unit_test(the_newest_connection_of_a_device_wins),
        cmocka_unit_test(at_another_replica_the_device_goes_on_and_the_old_one_lets_go),
        cmocka_unit_test(a_command_goes_down_and_its_answer_comes_up),
        /* Before the next, whose last events may be heard a moment after it: the known device must be in memory. */
        cmocka_unit_test(guessing_is_stopped_and_the_known_device_comes_in),
        cmocka_unit_test(a_revoked_device_is_put_out_within_two_seconds),
        cmocka_unit_test(what_the_stream_does_not_take_is_not_acknowledged_until_it_does),
        cmocka_unit_test(a_modbus_device_is_asked_and_its_registers_stored),
        cmocka_unit_test(it_says_goodbye_when_it_ends),
        cmocka_unit_test(refused_logins_are_recorded_and_a_flood_of_them_is_counted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
