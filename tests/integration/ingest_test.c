/* The way of readings to the stream, and what an ingest knows of sensors and devices, on a real NATS. */
#include "tests/integration/ingest_stack.h"

#include "base/time_text.h"
#include "base/uuid.h"
#include "ingest/codec.h"
#include "ingest/intake.h"
#include "metrics/metrics.h"

static struct stack stack;
static struct bus *bus; /* of the ingest under test */
static struct directory *directory;
static struct intake *intake;
static struct bus_consumer *readings_consumer, *refused_consumer;
static struct arena arena;
static struct rpc_caller caller = { .tenant_id = 7, .actor = "someone", .peer = "192.0.2.1" };
static struct intake_result result;
static struct err err;
static int64_t oldest_at;

static const struct directory_config usual = {
    .most_sensors = 10000, .most_credentials = 1000, .absent_ms = 200, .keep_ms = 60000
};

/* ---- what batch-writer does ---- */
static struct bus_subscription *writer;
static atomic_bool writer_answers, writer_fails;
static atomic_int writer_messages;
static void on_reading_take(void *context, struct bus_message *taken)
{
    AUTO(bus_message) message = taken;
    AUTO_INPLACE(arena) scratch;
    AUTO_INPLACE(buffer) body = { 0 };
    struct err failure = { 0 };
    ProtobufCMessage *decoded;
    Nwims__V1__CommitResult commit = NWIMS__V1__COMMIT_RESULT__INIT;
    const char *to = bus_message_header(message, "Nwims-Commit-To");
    char text[] = "no partition";
    (void)context;
    atomic_fetch_add(&writer_messages, 1);
    arena_init(&scratch, 8 * 1024 * 1024);
    if (!to || !atomic_load(&writer_answers) ||
        !wire_decode(&decoded, &scratch, &nwims__v1__reading_batch__descriptor, bus_message_data(message),
            bus_message_size(message), &failure))
        return;
    commit.has_stored = commit.has_duplicate = true;
    commit.stored = (int64_t)((Nwims__V1__ReadingBatch *)decoded)->n_value - 1;
    commit.duplicate = 1;
    if (atomic_load(&writer_fails))
        commit.error = text;
    if (!wire_encode(&body, &commit.base, &failure) ||
        !bus_publish_plain(
            stack.bus, &(struct bus_outgoing){ .subject = to, .data = body.data, .size = body.size }, &failure))
        abort();
}

/* ---- asking ---- */
static bool take_request(struct intake_request request, const char *body)
{
    struct raw_readings readings = { 0 };
    arena_reset(&arena);
    err = (struct err){ 0 };
    request.caller = &caller;
    request.protocol = "http";
    request.content_type = "application/json";
    request.body = body;
    request.body_size = strlen(body);
    must(codec_json_decode(&readings, &arena, body, strlen(body), &err), &err);
    return intake_take(intake, &request, &readings, &arena, &result, &err);
}

static bool take(enum intake_mode mode, const char *body)
{
    return take_request((struct intake_request){ .mode = mode }, body);
}

static const Nwims__V1__ReadingBatch *next_batch(struct bus_message **out_message)
{
    return (const Nwims__V1__ReadingBatch *)stack_next(
        &stack, readings_consumer, &nwims__v1__reading_batch__descriptor, out_message);
}

static const Nwims__V1__Refused *next_refused(struct bus_message **out_message)
{
    return (const Nwims__V1__Refused *)stack_next(
        &stack, refused_consumer, &nwims__v1__refused__descriptor, out_message);
}

static void nothing_is_in(struct bus_consumer *consumer)
{
    AUTO(bus_message) message = NULL;
    must(bus_consumer_next(consumer, 100, &message, &err), &err);
    assert_null(message);
}

static int start(void **state)
{
    static const char oldest[] = "2015-01-01T00:00:00Z";
    (void)state;
    stack_start(&stack);
    bus = stack_bus(&stack, "ingest");
    arena_init(&arena, 96 * 1024 * 1024);
    trace_begin(&caller.trace, NULL);
    readings_consumer = stack_consumer(&stack, "READINGS", "test-readings");
    refused_consumer = stack_consumer(&stack, "REFUSED", "test-refused");
    assert_true(time_text_parse(oldest, strlen(oldest), &oldest_at));
    must(directory_open(&directory, bus, &usual, &err), &err);
    const struct intake_config config = {
        .oldest_at = oldest_at, .future_ms = 300000, .keep_future = true, .publish_ms = 3000
    };
    must(intake_open(&intake, bus, directory, &config, &err), &err);
    must(bus_subscribe(&writer, stack.bus, "readings.>", NULL, on_reading_take, NULL, &err), &err);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bus_subscription_close(writer);
    bus_consumer_close(readings_consumer);
    bus_consumer_close(refused_consumer);
    intake_close(intake);
    directory_close(directory);
    bus_close(bus);
    arena_done(&arena);
    stack_stop(&stack);
    return 0;
}

/* As every case begins: all is well, nothing is remembered, the streams are read to their ends. */
static int tidy(void **state)
{
    (void)state;
    atomic_store(&stack.registry.slow_ms, 0);
    atomic_store(&stack.registry.range_max, 10);
    atomic_store(&stack.registry.is_broken, false);
    atomic_store(&stack.registry.device_is_disabled, false);
    atomic_store(&stack.registry.credential_is_gone, false);
    atomic_store(&stack.registry.has_expired, false);
    atomic_store(&stack.registry.answers_nonsense, false);
    atomic_store(&writer_answers, true);
    atomic_store(&writer_fails, false);
    must(bus_publish_plain(
             stack.bus, &(struct bus_outgoing){ .subject = "events.7.sensor", .data = "\xff", .size = 1 }, &err),
        &err);
    clock_sleep_ms(30); /* what cannot be read makes the directory forget everything */
    atomic_store(&stack.registry.sensor_calls, 0);
    atomic_store(&stack.registry.credential_calls, 0);
    atomic_store(&stack.registry.most_names, 0);
    arena_reset(&stack.arena);
    for (AUTO(bus_message) message = NULL;;) {
        must(bus_consumer_next(readings_consumer, 20, &message, &err), &err);
        if (!message)
            break;
        must(bus_message_ack(stack.bus, message, &err), &err);
        bus_message_close(TAKE(message));
    }
    for (AUTO(bus_message) message = NULL;;) {
        must(bus_consumer_next(refused_consumer, 20, &message, &err), &err);
        if (!message)
            break;
        must(bus_message_ack(stack.bus, message, &err), &err);
        bus_message_close(TAKE(message));
    }
    return 0;
}

/* ---- intake ---- */
static void readings_come_to_the_stream_in_columns(void **state)
{
    AUTO(bus_message) message = NULL;
    char body[600], now[TIME_TEXT_SIZE], future[TIME_TEXT_SIZE];
    int64_t before = clock_now_us();
    (void)state;
    time_text_format(now, before - 60000000);
    time_text_format(future, before + 3600000000);
    snprintf(body, sizeof body,
        "[{\"sensor_id\":\"P1\",\"value\":3.1,\"unit\":\"bar\",\"time\":\"%s\"},{\"sensor_id\":\"P1\",\"value\":1200,"
        "\"unit\":\"kPa\",\"time\":\"%s\"},"
        "{\"sensor_id\":\"F1\",\"value\":10,\"unit\":\"L/"
        "s\",\"status\":2147483648},{\"sensor_id\":\"P1\",\"value\":-1},"
        "{\"sensor_id\":\"01900000-0000-7000-8000-000000000002\",\"value\":2,\"time\":\"%s\"},{\"sensor_id\":\"P1\","
        "\"value\":5,\"time\":0},"
        "{\"sensor_id\":\"ODD\",\"value\":5,\"time\":\"%s\"}]",
        now, now, future, now);
    must(take_request((struct intake_request){ .device_id = STACK_DEVICE }, body), &err);
    assert_int_equal(result.received, 7);
    assert_int_equal(result.accepted, 7);
    assert_int_equal(result.refused, 0);
    assert_false(result.is_committed);
    const Nwims__V1__ReadingBatch *batch = next_batch(&message);
    assert_non_null(batch);
    static const int32_t sensors[] = { 101, 101, 102, 101, 102, 101, 105 };
    static const double values[] = { 3.1, 12, 36, -1, 2, 5, 5 };
    static const uint32_t flags[] = { 0, READING_CONVERTED | READING_RANGE_HIGH,
        READING_CONVERTED | READING_CLOCK_MISSING, READING_CLOCK_MISSING | READING_RANGE_LOW, READING_CLOCK_FUTURE,
        READING_CLOCK_MISSING, 0 };
    static const uint32_t statuses[] = { 0, 0, 0x80000000, 0, STATUS_UNCERTAIN, STATUS_UNCERTAIN, 0 };
    assert_int_equal(batch->n_value, 7);
    assert_int_equal(batch->n_sensor_no, 7);
    assert_int_equal(batch->n_observed_delta_us, 7);
    assert_int_equal(batch->n_flags, 7);
    assert_int_equal(batch->n_status, 7);
    assert_memory_equal(batch->sensor_no, sensors, sizeof sensors);
    assert_memory_equal(batch->value, values, sizeof values);
    assert_memory_equal(batch->flags, flags, sizeof flags);
    assert_memory_equal(batch->status, statuses, sizeof statuses);
    assert_int_equal(batch->base_at, before - 60000000);
    assert_int_equal(batch->observed_delta_us[0], 0);
    assert_int_equal(batch->observed_delta_us[1], 0);
    assert_in_range(batch->received_at, before, clock_now_us());
    /* Stamped by us: a microsecond apart, in their order. */
    assert_int_equal(batch->base_at + batch->observed_delta_us[3], batch->received_at - 3);
    assert_int_equal(batch->observed_delta_us[3] - batch->observed_delta_us[2], 1);
    assert_int_equal(batch->tenant_id, 7);
    assert_string_equal(bus_message_subject(message), "readings.7.http");
    assert_string_equal(bus_message_header(message, "Nats-Msg-Id"), result.batch_id);
    assert_null(bus_message_header(message, "Nwims-Commit-To"));
    assert_memory_equal(bus_message_header(message, "traceparent") + 3, caller.trace.trace_id, 32);
    assert_string_equal(batch->provenance->protocol, "http");
    assert_string_equal(batch->provenance->codec, "json");
    assert_string_equal(batch->provenance->peer, "192.0.2.1");
    assert_string_equal(batch->provenance->device_id, STACK_DEVICE);
    assert_null(batch->provenance->actor);
}

static void a_plain_batch_has_no_columns_of_zeros(void **state)
{
    char body[200], now[TIME_TEXT_SIZE];
    (void)state;
    time_text_format(now, clock_now_us());
    snprintf(body, sizeof body, "{\"sensor_id\":\"P1\",\"value\":0.1,\"time\":\"%s\"}", now);
    must(take(INTAKE_ALL_OR_NOTHING, body), &err);
    const Nwims__V1__ReadingBatch *batch = next_batch(NULL);
    assert_int_equal(batch->n_flags, 0);
    assert_int_equal(batch->n_status, 0);
    assert_string_equal(batch->provenance->actor, "someone");
    assert_true(batch->value[0] == 0.1);
}

static const char mixed[] =
    "[{\"sensor_id\":\"P1\",\"value\":1},{\"sensor_id\":\"NOT-THERE\",\"value\":1},{\"sensor_id\":\"OFF\",\"value\":1},"
    "{\"sensor_id\":\"P1\",\"value\":\"1\"},{\"sensor_id\":\"P1\",\"value\":1,\"unit\":\"m3/"
    "h\"},{\"sensor_id\":\"P1\",\"value\":1,\"unit\":\"furlong\"},"
    "{\"sensor_id\":\"THEIRS\",\"value\":1},{\"sensor_id\":\"P1\",\"value\":1,\"time\":\"never\"},{\"value\":1},5,"
    "{\"sensor_id\":\"P1\",\"value\":1e308,\"unit\":\"MPa\"},{\"sensor_id\":\"ODD\",\"value\":1,\"unit\":\"bar\"},{"
    "\"sensor_id\":\"P1\\u0000\",\"value\":1},"
    "{\"sensor_id\":\"F1\",\"value\":2}]";
static const char *const mixed_reasons[] = { "unknown_sensor", "disabled_sensor", "bad_value", "unknown_unit",
    "unknown_unit", "foreign_sensor", "bad_time", "malformed", "malformed", "bad_value", "unknown_unit",
    "unknown_sensor" };

static void the_good_ones_are_taken_and_each_bad_one_is_told(void **state)
{
    int64_t kept = 0;
    (void)state;
    must(take_request((struct intake_request){ .mode = INTAKE_SKIP_BAD, .device_id = STACK_DEVICE }, mixed), &err);
    assert_int_equal(result.received, 14);
    assert_int_equal(result.accepted, 2);
    assert_int_equal(result.refused, 12);
    assert_int_equal(result.fault_count, COUNT_OF(mixed_reasons));
    for (size_t i = 0; i < result.fault_count; i++) {
        assert_int_equal(result.faults[i].index, i + 1);
        assert_string_equal(result.faults[i].reason_code, mixed_reasons[i]);
        assert_non_null(result.faults[i].field);
        assert_true(strlen(result.faults[i].detail) > 10);
    }
    assert_string_equal(result.faults[0].detail, "there is no sensor \"NOT-THERE\": register it, or check the code");
    assert_string_equal(
        result.faults[3].detail, "the unit is of another quantity than the sensor's: \"m3/h\"; the sensor's is bar");
    assert_int_equal(next_batch(NULL)->n_value, 2);
    for (int i = 0; i < 7; i++) { /* one a reason */
        AUTO(bus_message) message = NULL;
        char subject[64];
        const Nwims__V1__Refused *refused = next_refused(&message);
        assert_non_null(refused);
        snprintf(subject, sizeof subject, "refused.7.%s", refused->reason);
        assert_string_equal(bus_message_subject(message), subject);
        assert_int_equal(refused->raw.len, strlen(mixed));
        assert_memory_equal(refused->raw.data, mixed, strlen(mixed));
        assert_string_equal(refused->provenance->device_id, STACK_DEVICE);
        assert_string_equal(refused->content_type, "application/json");
        kept += refused->readings;
    }
    assert_int_equal(kept, 12);
    nothing_is_in(refused_consumer);
}

static void one_bad_reading_stops_all_or_nothing(void **state)
{
    (void)state;
    assert_false(take(INTAKE_ALL_OR_NOTHING,
        "[{\"sensor_id\":\"P1\",\"value\":1},{\"sensor_id\":\"X\",\"value\":1},{\"sensor_id\":\"F1\",\"value\":1}]"));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(result.refused, 1);
    assert_int_equal(result.accepted, 0);
    assert_int_equal(result.fault_count, 1);
    assert_int_equal(result.faults[0].index, 1);
    const Nwims__V1__Refused *refused = next_refused(NULL);
    assert_string_equal(refused->reason, "unknown_sensor");
    assert_int_equal(refused->readings, 3); /* none of the three was taken */
    nothing_is_in(readings_consumer);
    nothing_is_in(refused_consumer);
}

static void nothing_good_is_an_error_in_both_modes(void **state)
{
    (void)state;
    assert_false(take(INTAKE_SKIP_BAD, "[{\"sensor_id\":\"X\",\"value\":1},{\"sensor_id\":\"Y\",\"value\":1}]"));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(result.fault_count, 2);
    assert_false(take(INTAKE_SKIP_BAD, "[]"));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(result.fault_count, 0);
    nothing_is_in(readings_consumer);
}

static void callers_may_not_send_readings_from_the_future(void **state)
{
    const struct intake_config config = { .oldest_at = oldest_at, .future_ms = 1000, .publish_ms = 3000 };
    struct intake *devices = intake;
    char body[200], future[TIME_TEXT_SIZE];
    (void)state;
    must(intake_open(&intake, bus, directory, &config, &err), &err);
    time_text_format(future, clock_now_us() + 60000000);
    snprintf(body, sizeof body,
        "[{\"sensor_id\":\"P1\",\"value\":1,\"time\":\"%s\"},{\"sensor_id\":\"P1\",\"value\":1,\"time\":1000}]",
        future);
    bool is_taken = take(INTAKE_SKIP_BAD, body);
    intake_close(intake);
    intake = devices;
    assert_false(is_taken);
    assert_int_equal(result.fault_count, 2);
    assert_string_equal(result.faults[0].reason_code, "bad_time");
    assert_string_equal(result.faults[1].reason_code, "bad_time");
}

static void bounds_that_the_writer_does_not_share_are_refused(void **state)
{
    struct intake_config config = { .oldest_at = oldest_at, .future_ms = 86400000 };
    struct intake *none = NULL;
    (void)state;
    assert_false(intake_open(&none, bus, directory, &config, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    config = (struct intake_config){ .oldest_at = 0, .future_ms = 1000 };
    assert_false(intake_open(&none, bus, directory, &config, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void the_commit_is_waited_for(void **state)
{
    (void)state;
    must(take_request((struct intake_request){ .commit_wait_ms = 3000 },
             "[{\"sensor_id\":\"P1\",\"value\":1},{\"sensor_id\":\"P1\",\"value\":2}]"),
        &err);
    assert_true(result.is_committed);
    assert_int_equal(result.stored, 1);
    assert_int_equal(result.duplicate, 1);
}

static void no_answer_in_time_is_accepted_only(void **state)
{
    int64_t began = clock_monotonic_us();
    (void)state;
    atomic_store(&writer_answers, false);
    must(take_request((struct intake_request){ .commit_wait_ms = 200 }, "{\"sensor_id\":\"P1\",\"value\":1}"), &err);
    assert_false(result.is_committed);
    assert_int_equal(result.accepted, 1);
    assert_in_range(clock_monotonic_us() - began, 190000, 1500000);
}

static void a_batch_that_cannot_be_stored_says_so(void **state)
{
    (void)state;
    atomic_store(&writer_fails, true);
    assert_false(take_request((struct intake_request){ .commit_wait_ms = 3000 }, "{\"sensor_id\":\"P1\",\"value\":1}"));
    assert_int_equal(err.kind, ERR_BUG);
    assert_non_null(strstr(err.text, "no partition"));
}

static void a_repeat_with_its_key_is_the_same_batch(void **state)
{
    char first[37], body[200], now[TIME_TEXT_SIZE];
    (void)state;
    time_text_format(now, clock_now_us());
    snprintf(body, sizeof body,
        "[{\"sensor_id\":\"P1\",\"value\":1,\"time\":\"%s\"},{\"sensor_id\":\"F1\",\"value\":1,\"time\":\"%s\"}]", now,
        now);
    struct intake_request request = { .idempotency_key = "key-1" };
    must(take_request(request, body), &err);
    memcpy(first, result.batch_id, sizeof first);
    assert_int_equal(first[14], '8');
    must(take_request(request, body), &err);
    assert_string_equal(result.batch_id, first);
    assert_non_null(next_batch(NULL));
    nothing_is_in(readings_consumer);
    request.commit_wait_ms = 3000; /* the stream drops it, yet the caller learns what is stored */
    must(take_request(request, body), &err);
    assert_string_equal(result.batch_id, first);
    assert_true(result.is_committed);
    request.commit_wait_ms = 0;
    request.idempotency_key = "key-2";
    must(take_request(request, body), &err);
    assert_string_not_equal(result.batch_id, first);
    request.idempotency_key = "key-1";
    must(take_request(request, "{\"sensor_id\":\"P1\",\"value\":1}"), &err);
    assert_string_not_equal(result.batch_id, first);
    caller.tenant_id = 8;
    must(take_request(request, body), &err);
    caller.tenant_id = 7;
    assert_string_not_equal(result.batch_id, first);
    request.device_id = STACK_DEVICE;
    must(take_request(request, body), &err);
    assert_string_not_equal(result.batch_id, first);
}

static void a_repeat_that_we_stamped_is_not_stored_at_other_times(void **state)
{
    static const char body[] = "{\"sensor_id\":\"P1\",\"value\":123}";
    struct intake_request request = { .idempotency_key = "stamped", .commit_wait_ms = 300 };
    (void)state;
    must(take_request(request, body), &err);
    assert_true(result.is_committed);
    must(take_request(request, body), &err);
    assert_false(result.is_committed);
    assert_int_equal(result.accepted, 1);
    assert_non_null(next_batch(NULL));
    nothing_is_in(readings_consumer);
}

static char *body_of_many(const char *prefix, size_t count, size_t sensors)
{
    char *body = malloc(count * 64 + 3);
    size_t size = 0;
    body[size++] = '[';
    for (size_t i = 0; i < count; i++)
        size += (size_t)sprintf(
            body + size, "%s{\"sensor_id\":\"%s-%zu\",\"value\":%zu}", i ? "," : "", prefix, i % sensors, i);
    body[size++] = ']';
    body[size] = '\0';
    return body;
}

static void a_hundred_thousand_readings_of_as_many_sensors_are_taken(void **state)
{
    enum { COUNT = 100000 };
    char *body = body_of_many("MANY", COUNT, 9000);
    size_t seen = 0;
    (void)state;
    must(take_request((struct intake_request){ .commit_wait_ms = 10000 }, body), &err);
    free(body);
    assert_int_equal(result.accepted, COUNT);
    assert_true(result.is_committed);
    assert_int_equal(result.stored + result.duplicate, COUNT);
    assert_in_range(atomic_load(&stack.registry.most_names), 1, 10000);
    while (seen < COUNT) {
        const Nwims__V1__ReadingBatch *batch = next_batch(NULL);
        assert_non_null(batch);
        for (size_t i = 0; i < batch->n_value; i++, seen++) {
            assert_true(batch->value[i] == (double)seen);
            assert_int_equal(batch->sensor_no[i], 1000 + seen % 9000);
            assert_int_equal(
                batch->base_at + batch->observed_delta_us[i], batch->received_at - (int64_t)(COUNT - 1 - seen));
        }
        arena_reset(&stack.arena);
    }
    nothing_is_in(readings_consumer);
    assert_true(arena.used_bytes < 48u * 1024 * 1024);
}

static void a_hundred_thousand_bad_readings_cost_a_thousand_texts(void **state)
{
    char *body = body_of_many("NONE", 100000, 9000);
    (void)state;
    assert_false(take(INTAKE_SKIP_BAD, body));
    assert_int_equal(result.refused, 100000);
    assert_int_equal(result.fault_count, INTAKE_MOST_FAULTS);
    const Nwims__V1__Refused *refused = next_refused(NULL);
    assert_int_equal(refused->raw.len, 64 * 1024);
    assert_int_equal(refused->readings, 100000);
    free(body);
}

static void a_full_stream_is_a_limit_and_a_full_refused_is_not(void **state)
{
    struct bus_stream small = {
        .name = "READINGS", .subjects = { "readings.>" }, .max_bytes = 2000, .duplicate_window_ms = 60000
    };
    struct bus_stream little = {
        .name = "REFUSED", .subjects = { "refused.>" }, .max_bytes = 100, .duplicate_window_ms = 60000
    };
    double unkept = metric_value(metrics_counter("nwims_ingest_refusals_unkept_total", NULL, ""));
    bool is_taken = true;
    (void)state;
    must(bus_stream_ensure(stack.bus, &small, &err) && bus_stream_ensure(stack.bus, &little, &err), &err);
    for (int i = 0; i < 30 && is_taken; i++)
        is_taken = take(INTAKE_SKIP_BAD, "[{\"sensor_id\":\"P1\",\"value\":1},{\"sensor_id\":\"X\",\"value\":1}]");
    struct err failure = err;
    must(streams_ensure(stack.bus, &err), &err);
    assert_false(is_taken);
    assert_int_equal(failure.kind, ERR_LIMIT);
    assert_true(metric_value(metrics_counter("nwims_ingest_refusals_unkept_total", NULL, "")) > unkept);
}

static void a_body_that_cannot_be_read_is_kept_too(void **state)
{
    const struct intake_request request = { .caller = &caller,
        .protocol = "http",
        .device_id = STACK_DEVICE,
        .content_type = "bad \xff type",
        .body = "[{",
        .body_size = 2 };
    (void)state;
    intake_refuse(intake, &request, "malformed", "malformed JSON at byte 2");
    const Nwims__V1__Refused *refused = next_refused(NULL);
    assert_string_equal(refused->reason, "malformed");
    assert_string_equal(refused->detail, "malformed JSON at byte 2");
    assert_null(refused->content_type);
    assert_false(refused->has_readings);
    assert_int_equal(refused->raw.len, 2);
}

/* ---- directory ---- */
static struct directory_sensor look_up_in(struct directory *asked, const char *name)
{
    const struct directory_name wanted = { name, strlen(name) };
    struct directory_sensor sensor = { 0 };
    arena_reset(&arena);
    must(directory_sensors(asked, &caller, &wanted, 1, &sensor, &arena, &err), &err);
    return sensor;
}

static struct directory_sensor look_up(const char *name)
{
    return look_up_in(directory, name);
}

static int sensor_calls(void)
{
    return atomic_load(&stack.registry.sensor_calls);
}

static void a_sensor_is_asked_for_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct directory_sensor sensor = look_up("P1");
        assert_int_equal(sensor.sensor_no, 101);
        assert_string_equal(sensor.code, "P1");
        assert_string_equal(sensor.id, "01900000-0000-7000-8000-000000000001");
        assert_true(sensor.has_range_max && sensor.range_max == 10);
    }
    assert_int_equal(sensor_calls(), 1);
    assert_int_equal(look_up("01900000-0000-7000-8000-000000000001").sensor_no, 101);
    assert_int_equal(look_up("01900000-0000-7000-8000-000000000001").sensor_no, 101);
    assert_int_equal(sensor_calls(), 2);
    caller.tenant_id = 8; /* another tenant's is another sensor */
    (void)look_up("P1");
    caller.tenant_id = 7;
    assert_int_equal(sensor_calls(), 3);
}

static void many_names_are_asked_for_in_few_calls_without_repeats(void **state)
{
    enum { COUNT = 7000 };
    static struct directory_name names[COUNT];
    static char texts[COUNT][16];
    struct directory_sensor *sensors = calloc(COUNT, sizeof *sensors);
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "MANY-%d", i % 3500);
        names[i] = (struct directory_name){ texts[i], strlen(texts[i]) };
    }
    arena_reset(&arena);
    must(directory_sensors(directory, &caller, names, COUNT, sensors, &arena, &err), &err);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(sensors[i].sensor_no, 1000 + i % 3500);
    assert_int_equal(sensor_calls(), 2);
    free(sensors);
}

static void an_absent_name_is_remembered_for_a_while(void **state)
{
    (void)state;
    assert_int_equal(look_up("NOBODY").sensor_no, 0);
    assert_int_equal(look_up("NOBODY").sensor_no, 0);
    assert_int_equal(sensor_calls(), 1);
    clock_sleep_ms(250);
    assert_int_equal(look_up("NOBODY").sensor_no, 0);
    assert_int_equal(sensor_calls(), 2);
}

static void names_that_cannot_be_are_not_asked_for(void **state)
{
    char endless[100];
    (void)state;
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(look_up("").sensor_no, 0);
    assert_int_equal(look_up(endless).sensor_no, 0);
    assert_int_equal(sensor_calls(), 0);
}

static void an_event_makes_it_forget(void **state)
{
    (void)state;
    for (int by_id_only = 0; by_id_only < 2; by_id_only++) {
        atomic_store(&stack.registry.range_max, 10);
        stack_tell(&stack, "sensor", stack_sensors[0].id, "P1", NULL);
        clock_sleep_ms(50);
        assert_true(look_up("P1").range_max == 10);
        (void)look_up("F1");
        int calls = sensor_calls();
        atomic_store(&stack.registry.range_max, 20);
        assert_true(look_up("P1").range_max == 10);
        stack_tell(&stack, "sensor", stack_sensors[0].id, by_id_only ? NULL : "P1", NULL);
        clock_sleep_ms(50);
        assert_true(look_up("P1").range_max == 20);
        (void)look_up("F1"); /* is not concerned */
        assert_int_equal(sensor_calls(), calls + 1);
    }
}

static void *look_up_slowly(void *out_sensor)
{
    const struct directory_name wanted = { "P1", 2 };
    AUTO_INPLACE(arena) own;
    struct err failure = { 0 };
    arena_init(&own, 1024 * 1024);
    if (!directory_sensors(directory, &caller, &wanted, 1, out_sensor, &own, &failure))
        abort();
    return NULL;
}

static void an_answer_older_than_an_event_is_not_kept(void **state)
{
    pthread_t thread;
    struct directory_sensor sensor = { 0 };
    (void)state;
    atomic_store(&stack.registry.slow_ms, 300);
    assert_int_equal(pthread_create(&thread, NULL, look_up_slowly, &sensor), 0);
    clock_sleep_ms(100); /* the registry has read 10 and not yet answered */
    atomic_store(&stack.registry.range_max, 20);
    stack_tell(&stack, "sensor", stack_sensors[0].id, "P1", NULL);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(sensor.range_max == 10);
    atomic_store(&stack.registry.slow_ms, 0);
    assert_true(look_up("P1").range_max == 20);
}

static void those_who_miss_the_same_ask_once(void **state)
{
    pthread_t threads[8];
    struct directory_sensor sensors[8] = { 0 };
    (void)state;
    atomic_store(&stack.registry.slow_ms, 200);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_slowly, &sensors[i]), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(sensors[i].sensor_no, 101);
    }
    assert_int_equal(sensor_calls(), 1);
}

static void a_registry_that_fails_is_said_and_not_remembered(void **state)
{
    const struct directory_name wanted = { "P1", 2 };
    struct directory_sensor sensor;
    (void)state;
    atomic_store(&stack.registry.is_broken, true);
    assert_false(directory_sensors(directory, &caller, &wanted, 1, &sensor, &arena, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(take(INTAKE_SKIP_BAD, "{\"sensor_id\":\"P1\",\"value\":1}"));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    atomic_store(&stack.registry.is_broken, false);
    atomic_store(&stack.registry.answers_nonsense, true);
    assert_false(directory_sensors(directory, &caller, &wanted, 1, &sensor, &arena, &err));
    assert_int_equal(err.kind, ERR_BUG);
    atomic_store(&stack.registry.answers_nonsense, false);
    assert_int_equal(look_up("P1").sensor_no, 101);
}

static void a_full_directory_forgets_some_and_goes_on(void **state)
{
    const struct directory_config tiny = {
        .most_sensors = 100, .most_credentials = 10, .absent_ms = 200, .keep_ms = 60000
    };
    AUTO(directory) small = NULL;
    (void)state;
    must(directory_open(&small, bus, &tiny, &err), &err);
    for (int i = 0; i < 300; i++) {
        char name[24];
        snprintf(name, sizeof name, "MANY-%d", i);
        assert_int_equal(look_up_in(small, name).sensor_no, 1000 + i);
    }
    assert_true(metric_value(metrics_counter("nwims_directory_evicted_total", NULL, "")) >= 200);
}

static bool device_is_known(void)
{
    struct directory_device device = { 0 };
    err = (struct err){ 0 };
    arena_reset(&arena);
    if (!directory_device(directory, STACK_TOKEN, &device, &arena, &err))
        return false;
    assert_int_equal(device.tenant_id, 7);
    assert_string_equal(device.device_id, STACK_DEVICE);
    assert_string_equal(device.credential_id, STACK_CREDENTIAL);
    return true;
}

static void a_token_tells_its_device(void **state)
{
    struct directory_device device;
    (void)state;
    assert_false(directory_device_known(directory, STACK_TOKEN, &device));
    assert_true(device_is_known());
    assert_true(device_is_known());
    assert_int_equal(atomic_load(&stack.registry.credential_calls), 1);
    assert_true(directory_device_known(directory, STACK_TOKEN, &device));
    assert_string_equal(device.device_id, STACK_DEVICE);
}

static void wrong_tokens_are_refused(void **state)
{
    char endless[1000];
    struct directory_device device;
    const char *const tokens[] = { "", "wrong", endless };
    (void)state;
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    for (size_t i = 0; i < COUNT_OF(tokens); i++) {
        assert_false(directory_device(directory, tokens[i], &device, &arena, &err));
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        assert_false(directory_device(directory, tokens[i], &device, &arena, &err));
        assert_false(directory_device_known(directory, tokens[i], &device));
    }
    assert_int_equal(atomic_load(&stack.registry.credential_calls), 1); /* "wrong", once */
    atomic_store(&stack.registry.has_expired, true);
    assert_false(device_is_known());
    assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
    assert_non_null(strstr(err.text, "expired"));
}

static void a_disabled_device_and_a_revoked_token_are_out_at_once(void **state)
{
    (void)state;
    assert_true(device_is_known());
    atomic_store(&stack.registry.device_is_disabled, true);
    assert_true(device_is_known());
    stack_tell(&stack, "device", STACK_DEVICE, "LOGGER-1", NULL);
    clock_sleep_ms(50);
    assert_false(device_is_known());
    assert_non_null(strstr(err.text, "disabled"));
    atomic_store(&stack.registry.device_is_disabled, false);
    stack_tell(&stack, "device", STACK_DEVICE, "LOGGER-1", NULL);
    clock_sleep_ms(50);
    assert_true(device_is_known());
    for (int by_id_only = 0; by_id_only < 2; by_id_only++) {
        atomic_store(&stack.registry.credential_is_gone, true);
        assert_true(device_is_known());
        stack_tell(&stack, "credential", STACK_CREDENTIAL, NULL, by_id_only ? NULL : STACK_TOKEN);
        clock_sleep_ms(50);
        assert_false(device_is_known());
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        atomic_store(&stack.registry.credential_is_gone, false);
        stack_tell(&stack, "credential", STACK_CREDENTIAL, NULL, STACK_TOKEN); /* made anew: what was absent is not */
        clock_sleep_ms(50);
        assert_true(device_is_known());
    }
}

static void *authenticate_slowly(void *context)
{
    AUTO_INPLACE(arena) own;
    struct directory_device device;
    struct err failure = { 0 };
    (void)context;
    arena_init(&own, 1024 * 1024);
    if (!directory_device(directory, STACK_TOKEN, &device, &own, &failure))
        abort();
    return NULL;
}

static void an_answer_older_than_the_devices_change_is_not_kept(void **state)
{
    pthread_t thread;
    (void)state;
    atomic_store(&stack.registry.slow_ms, 300);
    assert_int_equal(pthread_create(&thread, NULL, authenticate_slowly, NULL), 0);
    clock_sleep_ms(100);
    atomic_store(&stack.registry.device_is_disabled, true);
    stack_tell(&stack, "device", STACK_DEVICE, "LOGGER-1", NULL);
    assert_int_equal(pthread_join(thread, NULL), 0);
    atomic_store(&stack.registry.slow_ms, 0);
    assert_false(device_is_known());
}

static atomic_bool is_over;
static void *look_up_for_ever(void *context)
{
    AUTO_INPLACE(arena) own;
    const struct directory_name names[] = { { "P1", 2 }, { "F1", 2 }, { "NOBODY", 6 }, { "MANY-1", 6 } };
    struct directory_sensor sensors[COUNT_OF(names)];
    struct directory_device device;
    struct err failure = { 0 };
    (void)context;
    arena_init(&own, 1024 * 1024);
    while (!atomic_load(&is_over)) {
        arena_reset(&own);
        if (!directory_sensors(directory, &caller, names, COUNT_OF(names), sensors, &own, &failure) ||
            !directory_device(directory, STACK_TOKEN, &device, &own, &failure) || sensors[0].sensor_no != 101 ||
            sensors[2].sensor_no != 0)
            abort();
    }
    return NULL;
}

static void threads_look_up_while_things_change(void **state)
{
    pthread_t threads[4];
    (void)state;
    atomic_store(&is_over, false);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_for_ever, NULL), 0);
    for (int i = 0; i < 100; i++) {
        stack_tell(&stack, "sensor", stack_sensors[0].id, i % 10 ? "P1" : NULL, NULL);
        stack_tell(&stack, "device", STACK_DEVICE, NULL, NULL);
        stack_tell(&stack, "credential", STACK_CREDENTIAL, NULL, STACK_TOKEN);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* Everything is in memory: no call lets go of the lock for long. */
static void *look_up_what_is_known_for_ever(void *context)
{
    struct arena own;
    const struct directory_name wanted = { "F1", 2 };
    struct directory_sensor sensor;
    struct err failure = { 0 };
    (void)context;
    arena_init(&own, 1024 * 1024);
    while (!atomic_load(&is_over)) {
        arena_reset(&own);
        if (!directory_sensors(directory, &caller, &wanted, 1, &sensor, &own, &failure) || sensor.sensor_no != 102)
            abort();
    }
    arena_done(&own);
    return NULL;
}

/* Readers must not keep the one out who forgets: a revoked token would stay good as long as there is traffic. */
static void a_change_is_heard_while_threads_look_up_without_pause(void **state)
{
    enum { CHANGES = 20, ALL_WITHIN_US = 15 * 1000 * 1000 };
    pthread_t threads[8];
    (void)state;
    atomic_store(&is_over, false);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_what_is_known_for_ever, NULL), 0);
    int heard = 0;
    int64_t began_us = clock_monotonic_us();
    for (int i = 1; i <= CHANGES && heard == i - 1; i++) {
        atomic_store(&stack.registry.range_max, 100 + i);
        stack_tell(&stack, "sensor", stack_sensors[0].id, "P1", NULL);
        while (heard < i && clock_monotonic_us() - began_us < ALL_WITHIN_US)
            heard += look_up("P1").range_max == 100 + i;
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(heard, CHANGES);
}

static void after_a_reconnection_everything_is_asked_for_anew(void **state)
{
    (void)state;
    assert_true(look_up("P1").range_max == 10);
    assert_true(device_is_known());
    test_process_end(stack.nats.pid, SIGKILL);
    atomic_store(&stack.registry.range_max, 20); /* and nobody hears of it */
    assert_false(take(INTAKE_SKIP_BAD, "{\"sensor_id\":\"P1\",\"value\":1}"));
    assert_true(err.kind == ERR_TRANSIENT || err.kind == ERR_DEADLINE);
    test_nats_restart(&stack.nats);
    for (int i = 0; i < 100 && !(bus_is_connected(bus) && bus_is_connected(stack.bus)); i++)
        clock_sleep_ms(50);
    double range_max = 0;
    for (int i = 0; i < 50 && range_max != 20; i++) { /* the registry's subscription comes back too */
        const struct directory_name wanted = { "P1", 2 };
        struct directory_sensor sensor = { 0 };
        if (directory_sensors(directory, &caller, &wanted, 1, &sensor, &arena, &err))
            range_max = sensor.range_max;
        clock_sleep_ms(100);
    }
    assert_true(range_max == 20);
    bool is_taken = false;
    for (int i = 0; i < 50 && !is_taken; i++) {
        is_taken = take(INTAKE_SKIP_BAD, "{\"sensor_id\":\"P1\",\"value\":1}");
        if (!is_taken)
            clock_sleep_ms(100);
    }
    assert_true(is_taken);
}

#define CASE(function) cmocka_unit_test_setup(function, tidy)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(readings_come_to_the_stream_in_columns),
        CASE(a_plain_batch_has_no_columns_of_zeros),
        CASE(the_good_ones_are_taken_and_each_bad_one_is_told),
        CASE(one_bad_reading_stops_all_or_nothing),
        CASE(nothing_good_is_an_error_in_both_modes),
        CASE(callers_may_not_send_readings_from_the_future),
        CASE(bounds_that_the_writer_does_not_share_are_refused),
        CASE(the_commit_is_waited_for),
        CASE(no_answer_in_time_is_accepted_only),
        CASE(a_batch_that_cannot_be_stored_says_so),
        CASE(a_repeat_with_its_key_is_the_same_batch),
        CASE(a_repeat_that_we_stamped_is_not_stored_at_other_times),
        CASE(a_hundred_thousand_readings_of_as_many_sensors_are_taken),
        CASE(a_hundred_thousand_bad_readings_cost_a_thousand_texts),
        CASE(a_full_stream_is_a_limit_and_a_full_refused_is_not),
        CASE(a_body_that_cannot_be_read_is_kept_too),
        CASE(a_sensor_is_asked_for_once),
        CASE(many_names_are_asked_for_in_few_calls_without_repeats),
        CASE(an_absent_name_is_remembered_for_a_while),
        CASE(names_that_cannot_be_are_not_asked_for),
        CASE(an_event_makes_it_forget),
        CASE(an_answer_older_than_an_event_is_not_kept),
        CASE(those_who_miss_the_same_ask_once),
        CASE(a_registry_that_fails_is_said_and_not_remembered),
        CASE(a_full_directory_forgets_some_and_goes_on),
        CASE(a_token_tells_its_device),
        CASE(wrong_tokens_are_refused),
        CASE(a_disabled_device_and_a_revoked_token_are_out_at_once),
        CASE(an_answer_older_than_the_devices_change_is_not_kept),
        CASE(threads_look_up_while_things_change),
        CASE(a_change_is_heard_while_threads_look_up_without_pause),
        CASE(after_a_reconnection_everything_is_asked_for_anew),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
