/* ingest-mqtt as a process, on a real NATS with a registry of the test, driven by the bytes of MQTT. */
#include "tests/integration/complaint_check.h"

#include "nwims/v1/events.pb-c.h"
#include "tests/support/test_identity.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 20, CONNACK_3 = 4, PUBACK_3 = 4 };
#define TELEMETRY "v1/devices/me/telemetry"

static struct stack stack;
static struct bus_consumer *readings, *refused, *presence, *results;
static pid_t service;
static int port, tls_port;
static struct identity server_identity, device_identity;
static int admin_port;
static struct err err;

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

static void start_service(void)
{
    char program[512], address[64], tls_address[64], admin[64];
    const char *folder = getenv("NWIMS_BIN");
    port = test_free_port();
    tls_port = test_free_port();
    snprintf(tls_address, sizeof tls_address, "127.0.0.1:%d", tls_port);
    setenv("MQTTS_ADDRESS", tls_address, 1);
    setenv("TLS_CERTIFICATE_FILE", server_identity.certificate_file, 1);
    setenv("TLS_KEY_FILE", server_identity.key_file, 1);
    snprintf(program, sizeof program, "%s/ingest-mqtt", folder ? folder : "build/debug/bin");
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    admin_port = test_free_port();
    snprintf(admin, sizeof admin, "127.0.0.1:%d", admin_port);
    setenv("NATS_URL", stack.nats.url, 1);
    setenv("MQTT_ADDRESS", address, 1);
    setenv("ADMIN_ADDRESS", admin, 1);
    setenv("DRAIN_DELAY_MS", "0", 1);
    setenv("DRAIN_SPREAD_MS", "50", 1);
    setenv("PACKET_MAX_BYTES", "64k", 1);
    setenv("FAILURES_A_MINUTE", "20", 1);
    const char *argv[] = { program, NULL };
    service = test_process_start(stack.nats.folder, "ingest-mqtt", argv);
    test_wait_for_port(port);
}

static int start(void **state)
{
    (void)state;
    stack_start(&stack);
    identity_make(&server_identity, "localhost");
    identity_make(&device_identity, "meter");
    readings = stack_consumer(&stack, "READINGS", "test-readings");
    refused = stack_consumer(&stack, "REFUSED", "test-refused");
    presence = events_of("events.*.presence", "test-presence");
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
    bus_consumer_close(results);
    stack_stop(&stack);
    identity_done(&server_identity);
    identity_done(&device_identity);
    return 0;
}

/* ---- a client ---- */
static const char *from = "127.0.0.1"; /* its address */

static int dial(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) }
    };
    struct sockaddr_in source = { .sin_family = AF_INET };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    inet_pton(AF_INET, from, &source.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&source, sizeof source), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void put_text(struct buffer *out, const char *text)
{
    buffer_put_char(out, (char)(strlen(text) >> 8));
    buffer_put_char(out, (char)(strlen(text) & 0xff));
    buffer_put_text(out, text);
}

static void send_packet(int fd, unsigned header, const struct buffer *body)
{
    unsigned char head[3] = { (unsigned char)header, (unsigned char)(body->size % 128 | 128),
        (unsigned char)(body->size / 128) };
    assert_int_equal(send(fd, head, sizeof head, MSG_NOSIGNAL), sizeof head);
    assert_int_equal(send(fd, body->data, body->size, MSG_NOSIGNAL), body->size);
}

static void read_bytes(int fd, void *target, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t count = recv(fd, (char *)target + at, size - at, 0);
        if (count <= 0)
            fail_msg("%zu of %zu bytes came, then the end", at, size);
        at += (size_t)count;
    }
}

/* The first byte of the next packet; its body in body. */
static unsigned next_packet(int fd, unsigned char body[4096], size_t *out_size)
{
    unsigned char head[2], more = 0;
    read_bytes(fd, head, 2);
    if (head[1] & 0x80)
        read_bytes(fd, &more, 1);
    *out_size = (head[1] & 0x7fu) + 128u * more;
    assert_in_range(*out_size, 0, 4096);
    read_bytes(fd, body, *out_size);
    return head[0];
}

/* version 4 or 5. */
static int connect_as(int version, const char *client_id, const char *token)
{
    AUTO_INPLACE(buffer) body = { 0 };
    int fd = dial();
    put_text(&body, "MQTT");
    buffer_put_char(&body, (char)version);
    buffer_put_char(&body, (char)0x82); /* clean, user name */
    buffer_put(&body, "\0\x3c", 2);
    if (version == 5)
        buffer_put_char(&body, 0);
    put_text(&body, client_id);
    put_text(&body, token);
    send_packet(fd, 0x10, &body);
    return fd;
}

/* What has just changed, or comes back after a kill, is known a moment later. */
static int log_in(int version, const char *client_id)
{
    unsigned char body[4096];
    size_t size;
    for (int i = 0; i < 200; i++) {
        int fd = connect_as(version, client_id, STACK_TOKEN);
        assert_int_equal(next_packet(fd, body, &size), 0x20);
        if (body[1] == 0)
            return fd;
        close(fd);
        clock_sleep_ms(100);
    }
    fail_msg("no login: %u", body[1]);
    return -1;
}

static void publish(int fd, int version, const char *topic, unsigned packet_id, const char *payload)
{
    AUTO_INPLACE(buffer) body = { 0 };
    put_text(&body, topic);
    buffer_put_char(&body, (char)(packet_id >> 8));
    buffer_put_char(&body, (char)(packet_id & 0xff));
    if (version == 5)
        buffer_put_char(&body, 0);
    buffer_put_text(&body, payload);
    send_packet(fd, 0x32, &body);
}

static void expect_puback(int fd, unsigned packet_id, unsigned reason)
{
    unsigned char body[4096];
    size_t size;
    assert_int_equal(next_packet(fd, body, &size), 0x40);
    assert_int_equal(body[0] << 8 | body[1], packet_id);
    assert_int_equal(size > 2 ? body[2] : 0, reason);
}

static void expect_end(int fd)
{
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

static const Nwims__V1__ReadingBatch *next_batch(void)
{
    return (const Nwims__V1__ReadingBatch *)stack_next(&stack, readings, &nwims__v1__reading_batch__descriptor, NULL);
}

static const Nwims__V1__DevicePresence *next_presence(const char *kind)
{
    for (int i = 0; i < 100; i++) {
        const Nwims__V1__DevicePresence *event = (const Nwims__V1__DevicePresence *)stack_next(
            &stack, presence, &nwims__v1__device_presence__descriptor, NULL);
        if (event && strcmp(event->kind, kind) == 0)
            return event;
    }
    fail_msg("no device has %s", kind);
    return NULL;
}

/* ---- tests ---- */
static void a_reading_is_acknowledged_when_the_stream_has_it(void **state)
{
    int fd = log_in(4, "one");
    (void)state;
    publish(fd, 4, TELEMETRY, 7, "{\"ts\":1790000000000,\"values\":{\"P1\":3.5,\"F1\":2}}");
    expect_puback(fd, 7, 0);
    const Nwims__V1__ReadingBatch *batch = next_batch(); /* the first time it is not in memory */
    assert_int_equal(batch->n_value, 2);
    assert_int_equal(batch->tenant_id, 7);
    assert_string_equal(batch->provenance->protocol, "mqtt");
    assert_string_equal(batch->provenance->device_id, STACK_DEVICE);
    publish(fd, 4, TELEMETRY, 8, "{\"ts\":1790000001000,\"values\":{\"P1\":3.6}}");
    expect_puback(fd, 8, 0);
    batch = next_batch();
    assert_int_equal(batch->n_value, 1);
    assert_true(batch->base_at == INT64_C(1790000001000000) && batch->value[0] == 3.6);
    assert_string_equal(batch->provenance->codec, "thingsboard-json");
    assert_string_equal(batch->provenance->device_id, STACK_DEVICE);
    close(fd);
}

static void a_window_of_messages_is_acknowledged_in_order_in_few_batches(void **state)
{
    enum { COUNT = 200 };
    size_t rows = 0, batches = 0;
    int fd = log_in(4, "one");
    (void)state;
    for (unsigned i = 1; i <= COUNT; i++) {
        char body[96];
        snprintf(body, sizeof body, "{\"ts\":%lld,\"values\":{\"P1\":%u}}", 1790000100000ll + i, i % 10);
        publish(fd, 4, TELEMETRY, i, body);
    }
    for (unsigned i = 1; i <= COUNT; i++)
        expect_puback(fd, i, 0);
    for (; rows < COUNT; batches++)
        rows += next_batch()->n_value;
    assert_int_equal(rows, COUNT);
    assert_true(batches < COUNT / 2);
    close(fd);
}

static void what_is_wrong_is_kept_and_its_reason_told(void **state)
{
    int five = log_in(5, "five"), three = log_in(4, "three");
    (void)state;
    publish(five, 5, TELEMETRY, 1, "{\"NONE\":1}");
    expect_puback(five, 1, 0x99);
    const Nwims__V1__Refused *kept =
        (const Nwims__V1__Refused *)stack_next(&stack, refused, &nwims__v1__refused__descriptor, NULL);
    assert_string_equal(kept->reason, "unknown_sensor");
    assert_string_equal(kept->provenance->protocol, "mqtt");
    publish(three, 4, TELEMETRY, 2, "{\"P1\":");
    expect_puback(three, 2, 0);
    kept = (const Nwims__V1__Refused *)stack_next(&stack, refused, &nwims__v1__refused__descriptor, NULL);
    assert_string_equal(kept->reason, "malformed");
    publish(five, 5, "nwims/v1/8/other/up", 3, "{}");
    expect_puback(five, 3, 0x87);
    publish(five, 5, "nobody/takes/this", 4, "{}");
    expect_puback(five, 4, 0x90);
    publish(five, 5, "v1/devices/me/attributes", 5, "{}");
    expect_puback(five, 5, 0x10);
    publish(three, 4, "nwims/v1/8/other/up", 6, "{}");
    expect_end(three);
    close(five);
}

static void presence_is_told_with_its_reason(void **state)
{
    char first_id[64];
    (void)state;
    while (stack_next(&stack, presence, &nwims__v1__device_presence__descriptor, NULL))
        ; /* of the tests before */
    int first = log_in(4, "same"), second = 0;
    const Nwims__V1__DevicePresence *event = next_presence("connected");
    assert_string_equal(event->device_id, STACK_DEVICE);
    assert_string_equal(event->protocol, "mqtt");
    assert_string_equal(event->peer, "127.0.0.1");
    snprintf(first_id, sizeof first_id, "%s", event->connection_id);
    second = log_in(4, "same");
    expect_end(first);
    event = next_presence("disconnected");
    assert_string_equal(event->reason, "taken-over");
    assert_string_equal(event->connection_id, first_id);
    assert_int_equal(send(second, "\xe0\x00", 2, MSG_NOSIGNAL), 2);
    expect_end(second);
    assert_string_equal(next_presence("disconnected")->reason, "client");
}

static void tell_command(const char *id, const char *state)
{
    Nwims__V1__DeviceCommand event = NWIMS__V1__DEVICE_COMMAND__INIT;
    AUTO_INPLACE(buffer) body = { 0 };
    event.has_tenant_id = true;
    event.tenant_id = 7;
    event.command_id = (char *)(uintptr_t)id;
    event.device_id = (char[]){ STACK_DEVICE };
    event.protocol = (char[]){ "mqtt" };
    event.name = (char[]){ "open" };
    event.payload = (char[]){ "{\"percent\":40}" };
    event.state = (char *)(uintptr_t)state;
    must(wire_encode(&body, &event.base, &err) &&
             bus_publish(stack.bus,
                 &(struct bus_outgoing){ .subject = "events.7.command", .data = body.data, .size = body.size }, NULL,
                 5000, NULL, &err),
        &err);
}

static void expect_result(const char *id, const char *state, const char *result)
{
    const Nwims__V1__CommandResult *event =
        (const Nwims__V1__CommandResult *)stack_next(&stack, results, &nwims__v1__command_result__descriptor, NULL);
    assert_non_null(event);
    assert_string_equal(event->command_id, id);
    assert_string_equal(event->device_id, STACK_DEVICE);
    assert_string_equal(event->state, state);
    if (result)
        assert_string_equal(event->result, result);
}

#define COMMAND "01900000-0000-7000-8000-0000000000e1"
static void a_command_goes_down_and_its_answer_comes_up(void **state)
{
    static const char wanted[] = "{\"id\":\"" COMMAND "\",\"name\":\"open\",\"payload\":{\"percent\":40}}";
    AUTO_INPLACE(buffer) subscribe = { 0 };
    unsigned char body[4096], ack[] = { 0x40, 2, 0, 0 };
    size_t size;
    int fd = log_in(4, "valve");
    (void)state;
    tell_command(COMMAND, "queued"); /* nobody has subscribed: it stays the registry's */
    buffer_put(&subscribe, "\0\x01", 2);
    put_text(&subscribe, "nwims/v1/me/cmd");
    buffer_put_char(&subscribe, 1);
    send_packet(fd, 0x82, &subscribe);
    assert_int_equal(next_packet(fd, body, &size), 0x90);
    assert_int_equal(body[2], 1);
    tell_command(COMMAND, "expired");
    tell_command(COMMAND, "queued");
    assert_int_equal(next_packet(fd, body, &size), 0x32);
    assert_int_equal(size, 2 + strlen("nwims/v1/me/cmd") + 2 + strlen(wanted));
    assert_memory_equal(body + 2, "nwims/v1/me/cmd", strlen("nwims/v1/me/cmd"));
    assert_memory_equal(body + size - strlen(wanted), wanted, strlen(wanted));
    memcpy(ack + 2, body + 2 + strlen("nwims/v1/me/cmd"), 2);
    assert_int_equal(send(fd, ack, sizeof ack, MSG_NOSIGNAL), sizeof ack);
    expect_result(COMMAND, "sent", NULL);
    expect_result(COMMAND, "delivered", NULL);
    publish(fd, 4, "nwims/v1/me/cmdack/" COMMAND, 5, "{\"ok\":true}");
    expect_puback(fd, 5, 0);
    expect_result(COMMAND, "acknowledged", "{\"ok\":true}");
    publish(fd, 4, "nwims/v1/me/cmdack/" COMMAND, 6, "{\"ok\":false}");
    expect_puback(fd, 6, 0);
    expect_result(COMMAND, "failed", "{\"ok\":false}");
    close(fd);
}

static void a_revoked_or_disabled_device_is_put_out_and_others_stay(void **state)
{
    unsigned char body[4096];
    size_t size;
    int fd = log_in(5, "a");
    (void)state;
    stack_tell(&stack, "device", STACK_OTHER_DEVICE, "OTHER", NULL);
    stack_tell(&stack, "device", STACK_DEVICE, "LOGGER", NULL); /* renamed, say: it stays */
    publish(fd, 5, TELEMETRY, 1, "{\"P1\":1}");
    expect_puback(fd, 1, 0);
    assert_non_null(next_batch());
    atomic_store(&stack.registry.device_is_disabled, true);
    stack_tell(&stack, "device", STACK_DEVICE, "LOGGER", NULL);
    assert_int_equal(next_packet(fd, body, &size), 0xe0);
    assert_int_equal(body[0], 0x87);
    expect_end(fd);
    atomic_store(&stack.registry.device_is_disabled, false);
    stack_tell(&stack, "device", STACK_DEVICE, "LOGGER", NULL);
    fd = log_in(5, "a");
    atomic_store(&stack.registry.credential_is_gone, true);
    stack_tell(&stack, "credential", STACK_CREDENTIAL, NULL, STACK_TOKEN);
    assert_int_equal(next_packet(fd, body, &size), 0xe0);
    expect_end(fd);
    atomic_store(&stack.registry.credential_is_gone, false);
    stack_tell(&stack, "credential", STACK_CREDENTIAL, NULL, STACK_TOKEN);
}

static void a_login_is_refused_with_its_reason(void **state)
{
    unsigned char body[4096];
    size_t size;
    (void)state;
    atomic_store(&stack.registry.is_broken, true);
    int fd = connect_as(4, "x", "nwd_nobody-knows-yet");
    assert_int_equal(next_packet(fd, body, &size), 0x20);
    assert_int_equal(body[1], 3); /* server unavailable */
    expect_end(fd);
    atomic_store(&stack.registry.is_broken, false);
    from = "127.0.0.2";
    close(log_in(4, "known"));
    int code = 0, wrong = 0;
    for (int i = 0; i < 200 && code != 0x9f; i++) {
        char token[32];
        snprintf(token, sizeof token, "nwd_wrong-%d", i);
        fd = connect_as(5, "x", token);
        assert_int_equal(next_packet(fd, body, &size), 0x20);
        code = body[1];
        expect_end(fd);
        wrong += code == 0x86;
    }
    assert_int_equal(code, 0x9f);
    assert_int_equal(wrong, 20);
    close(log_in(4, "known")); /* who is known is not shut out by one who guesses */
    from = "127.0.0.1";
}

/* mosquitto_pub, another implementation of MQTT and of how TLS is used. */
static bool mosquitto_publishes(const char *how, double value)
{
    char command[1024];
    snprintf(command, sizeof command,
        "mosquitto_pub -h localhost -p %d %s -q 1 -t " TELEMETRY " -m '{\"ts\":1790000200000,\"values\":{\"P1\":%g}}' "
        ">/dev/null 2>&1",
        tls_port, how, value);
    return system(command) == 0;
}

static void expect_stored(double value)
{
    const Nwims__V1__ReadingBatch *batch = next_batch();
    while (batch && batch->value[0] != value)
        batch = next_batch();
    assert_non_null(batch);
}

static void a_device_is_known_by_its_pre_shared_key_or_certificate(void **state)
{
    char how[512];
    unsigned char fingerprint[SHA256_SIZE];
    (void)state;
    if (system("command -v mosquitto_pub >/dev/null") != 0) {
        print_message("mosquitto_pub is not installed: scripts/install-packages test\n");
        skip();
    }
    /* 73697874... is the key in hex */
    assert_true(mosquitto_publishes("--psk-identity meter-7 --psk 7369787465656e2d62797465732d6974", 1.25));
    expect_stored(1.25);
    assert_false(mosquitto_publishes("--psk-identity meter-7 --psk 00112233445566778899aabbccddeeff", 2));
    assert_false(mosquitto_publishes("--psk-identity nobody --psk 7369787465656e2d62797465732d6974", 2));
    snprintf(how, sizeof how, "--cafile %s --cert %s --key %s", server_identity.certificate_file,
        device_identity.certificate_file, device_identity.key_file);
    assert_false(mosquitto_publishes(how, 2));
    X509_digest(device_identity.certificate, EVP_sha256(), fingerprint, NULL);
    clock_sleep_ms(2500); /* that the certificate is nobody's is remembered for two seconds */
    text_hex(stack.registry.fingerprint, fingerprint, sizeof fingerprint);
    assert_true(mosquitto_publishes(how, 1.75));
    expect_stored(1.75);
    snprintf(how, sizeof how, "--cafile %s", server_identity.certificate_file);
    assert_false(mosquitto_publishes(how, 2));
    snprintf(how, sizeof how, "--cafile %s -u " STACK_TOKEN, server_identity.certificate_file);
    assert_true(mosquitto_publishes(how, 2.25));
    expect_stored(2.25);
}

static void what_the_stream_does_not_take_is_not_acknowledged_until_it_does(void **state)
{
    struct bus_stream small = {
        .name = "READINGS", .subjects = { "readings.>" }, .max_bytes = 200, .duplicate_window_ms = 60000
    };
    struct timeval moment = { .tv_usec = 700000 }, patience = { .tv_sec = PATIENCE_S };
    char byte;
    int fd = log_in(4, "one");
    (void)state;
    must(bus_stream_ensure(stack.bus, &small, &err), &err);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
    publish(fd, 4, TELEMETRY, 9, "{\"ts\":1790000009000,\"values\":{\"P1\":4.25}}");
    assert_true(recv(fd, &byte, 1, 0) < 0); /* neither an acknowledgement nor an end */
    must(streams_ensure(stack.bus, &err), &err);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    expect_puback(fd, 9, 0);
    const Nwims__V1__ReadingBatch *batch = next_batch();
    while (batch && batch->value[0] != 4.25)
        batch = next_batch();
    assert_non_null(batch);
    test_process_end(stack.nats.pid, SIGKILL);
    publish(fd, 4, TELEMETRY, 10, "{\"ts\":1790000010000,\"values\":{\"P1\":4.5}}");
    clock_sleep_ms(300);
    test_nats_restart(&stack.nats);
    expect_puback(fd, 10, 0);
    close(fd);
}

static void it_says_goodbye_when_it_ends(void **state)
{
    unsigned char body[4096];
    size_t size;
    int status = 1, five = log_in(5, "a"), three = log_in(4, "b");
    (void)state;
    assert_int_equal(kill(service, SIGTERM), 0);
    assert_int_equal(next_packet(five, body, &size), 0xe0);
    assert_int_equal(body[0], 0x8b);
    expect_end(five);
    expect_end(three);
    for (int i = 0; i < 400 && waitpid(service, &status, WNOHANG) == 0; i++)
        clock_sleep_ms(50);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void refused_logins_are_recorded_and_a_flood_of_them_is_counted(void **state)
{
    (void)state;
    stack_expect_refused_logins(&stack, "ingest-mqtt-test", "mqtt");
}

/* Bytes that the front answers, if it does, by its own code, and then the end. */
static void expect_refusal(int fd, const char *bytes, size_t size, const char *answer, size_t answer_size)
{
    char got[64];
    size_t count = 0;
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
    for (ssize_t more; count < sizeof got && (more = recv(fd, got + count, sizeof got - count, 0)) > 0;)
        count += (size_t)more;
    close(fd);
    if (count < answer_size || memcmp(got, answer, answer_size) != 0)
        fail_msg("%zu bytes were answered, the first %02x %02x %02x %02x", count, got[0] & 0xff, got[1] & 0xff,
            got[2] & 0xff, got[3] & 0xff);
}
#define BYTES(text) text, sizeof text - 1

static void every_refusal_is_answered_counted_and_logged_once_in_a_while(void **state)
{
    enum { TIMES = 5 };
    static const char *const reasons[] = { "version", "malformed", "protocol", "too_large", "credentials",
        "foreign_topic" };
    static const char foreign[] = "\x32\x20\0\x13nwims/v1/8/THEIR/up\0\1\0{\"P1\":1}";
    int before[COUNT_OF(reasons)];
    (void)state;
    close(log_in(5, "refused"));
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        before[i] = complaints_counted(admin_port, "mqtt", reasons[i]);
    for (int i = 0; i < TIMES; i++) {
        expect_refusal(dial(), BYTES("\x10\x0d\0\4MQTT\x09\x02\0\x3c\0\1a"), BYTES("\x20\x02\0\1"));
        expect_refusal(dial(), BYTES("\x10\xff\xff\xff\xff\x7f"), BYTES(""));
        expect_refusal(dial(), BYTES("\xc0\0"), BYTES(""));
        expect_refusal(log_in(5, "refused"), BYTES("\x32\xff\xff\xff\x7f"), BYTES("\xe0")); /* DISCONNECT 0x95 */
        expect_refusal(connect_as(4, "refused", "wrong"), BYTES(""), BYTES("\x20\x02\0\4"));
        int fd = log_in(5, "refused");
        unsigned char body[4096];
        size_t size;
        assert_int_equal(send(fd, foreign, sizeof foreign - 1, MSG_NOSIGNAL), sizeof foreign - 1);
        assert_int_equal(next_packet(fd, body, &size), 0x40);
        assert_int_equal(body[2], 0x87);
        close(fd);
    }
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        complaints_expect(&stack, admin_port, "mqtt", reasons[i], before[i], TIMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_is_answered_counted_and_logged_once_in_a_while),
        cmocka_unit_test(a_reading_is_acknowledged_when_the_stream_has_it),
        cmocka_unit_test(a_window_of_messages_is_acknowledged_in_order_in_few_batches),
        cmocka_unit_test(what_is_wrong_is_kept_and_its_reason_told),
        cmocka_unit_test(presence_is_told_with_its_reason),
        cmocka_unit_test(a_command_goes_down_and_its_answer_comes_up),
        /* Before the next, whose last events may be heard a moment after it: the known device must be in memory. */
        cmocka_unit_test(a_login_is_refused_with_its_reason),
        cmocka_unit_test(a_revoked_or_disabled_device_is_put_out_and_others_stay),
        cmocka_unit_test(a_device_is_known_by_its_pre_shared_key_or_certificate),
        cmocka_unit_test(what_the_stream_does_not_take_is_not_acknowledged_until_it_does),
        cmocka_unit_test(it_says_goodbye_when_it_ends),
        cmocka_unit_test(refused_logins_are_recorded_and_a_flood_of_them_is_counted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
