/* batch-writer follows devices' own sequences: what is told as missing is what never came, also over kills, repeats and
 * several writers. */
#include "nwims/v1/events.pb-c.h"
#include "tests/integration/telemetry_stack.h"

enum { TENANT = 21, MOST_MARKS = 64 };
static struct stack stack;
static struct bus_consumer *told;
static struct arena arena;
static const char *const usual[] = { "ROLLUP_MS=50", "ACK_WAIT_MS=1000", "LINGER_MS=1", NULL };

struct mark {
    uint64_t first, last;
    int64_t at_s; /* 0: the device said none */
};

/* A batch of nothing but marks, as of a body whose readings were all refused. */
static void publish_marks(
    const struct uuid *device, const struct mark *marks, size_t count, const struct bus_expectation *expectation)
{
    struct err err = { 0 };
    AUTO_INPLACE(buffer) body = { 0 };
    Nwims__V1__SequenceMark items[MOST_MARKS], *pointers[MOST_MARKS];
    Nwims__V1__ReadingBatch batch = NWIMS__V1__READING_BATCH__INIT;
    Nwims__V1__Provenance provenance = NWIMS__V1__PROVENANCE__INIT;
    char id[UUID_TEXT_SIZE], subject[64];
    struct uuid uuid = uuid_new();
    for (size_t i = 0; i < count; i++) {
        Nwims__V1__SequenceMark *mark = pointers[i] = &items[i];
        *mark = (Nwims__V1__SequenceMark)NWIMS__V1__SEQUENCE_MARK__INIT;
        mark->has_device_id = mark->has_first = mark->has_last = true;
        mark->device_id =
            (ProtobufCBinaryData){ sizeof device->bytes, (uint8_t *)(uintptr_t)(const void *)device->bytes };
        mark->first = marks[i].first;
        mark->last = marks[i].last;
        mark->has_at = marks[i].at_s != 0;
        mark->at = marks[i].at_s * 1000000;
    }
    provenance.protocol = wire_constant("mqtt");
    batch.has_batch_id = batch.has_tenant_id = batch.has_received_at = true;
    batch.batch_id = (ProtobufCBinaryData){ .len = sizeof uuid.bytes, .data = uuid.bytes };
    batch.tenant_id = TENANT;
    batch.received_at = clock_now_us();
    batch.provenance = &provenance;
    batch.n_sequence = count;
    batch.sequence = pointers;
    must(wire_encode(&body, &batch.base, &err), &err);
    uuid_format(id, &uuid);
    snprintf(subject, sizeof subject, "readings.%d.mqtt", TENANT);
    const struct bus_header header = { "Nwims-Commit-To", expectation ? bus_expectation_subject(expectation) : NULL };
    const struct bus_outgoing message = { .subject = subject,
        .data = body.data,
        .size = body.size,
        .headers = &header,
        .header_count = expectation ? 1 : 0 };
    must(bus_publish(stack.bus, &message, id, 5000, NULL, &err), &err);
}

/* Waits for the commit. */
static void send_marks(const struct uuid *device, const struct mark *marks, size_t count)
{
    struct err err = { 0 };
    AUTO(bus_expectation) expectation = NULL;
    must(bus_inbox_expect(&expectation, stack.inbox, &err), &err);
    publish_marks(device, marks, count, expectation);
    struct answer answer = stack_answer(expectation);
    assert_string_equal(answer.error, "");
    assert_int_equal(answer.stored + answer.duplicate, 0);
}
#define SEND(device, ...)                                                                                              \
    send_marks(device, (const struct mark[]){ __VA_ARGS__ }, COUNT_OF(((const struct mark[]){ __VA_ARGS__ })))

/* The next event of the device. It lives until the one after. */
static const Nwims__V1__DeviceGaps *next_told(const struct uuid *device)
{
    int64_t end_us = clock_monotonic_us() + 60 * INT64_C(1000000);
    char id[UUID_TEXT_SIZE];
    uuid_format(id, device);
    arena_reset(&arena);
    while (clock_monotonic_us() < end_us) {
        struct err err = { 0 };
        AUTO(bus_message) message = NULL;
        ProtobufCMessage *decoded = NULL;
        must(bus_consumer_next(told, 1000, &message, &err), &err);
        if (!message)
            continue;
        must(wire_decode(&decoded, &arena, &nwims__v1__device_gaps__descriptor, bus_message_data(message),
                 bus_message_size(message), &err),
            &err);
        must(bus_message_ack(stack.bus, message, &err), &err);
        const Nwims__V1__DeviceGaps *event = (const Nwims__V1__DeviceGaps *)decoded;
        if (strcmp(event->device_id, id) == 0)
            return event;
    }
    fail_msg("nothing is told of %s", id);
    return NULL;
}

static void what_is_passed_over_is_told_and_what_comes_late_closes_it(void **state)
{
    struct uuid device = uuid_new();
    (void)state;
    pid_t writer = stack_writer(&stack, usual);
    SEND(&device, { 1, 10, 1700000010 }, { 15, 20, 1700000020 });
    const Nwims__V1__DeviceGaps *event = next_told(&device);
    assert_int_equal(event->tenant_id, TENANT);
    assert_string_equal(event->protocol, "mqtt");
    assert_int_equal(event->n_missing, 1);
    assert_int_equal(event->missing[0]->first, 11);
    assert_int_equal(event->missing[0]->last, 14);
    assert_int_equal(event->missed, 4);
    SEND(&device, { 12, 13, 1700000013 });
    event = next_told(&device);
    assert_int_equal(event->n_missing, 2);
    assert_int_equal(event->late, 2);
    SEND(&device, { 11, 11, 1700000011 }, { 14, 14, 1700000014 });
    event = next_told(&device);
    assert_int_equal(event->n_missing, 0);
    assert_int_equal(event->missed, 4);
    assert_int_equal(event->late, 4);
    test_process_end(writer, SIGTERM);
}

static void a_kill_neither_makes_a_gap_nor_forgets_one(void **state)
{
    struct uuid device = uuid_new();
    (void)state;
    pid_t writer = stack_writer(&stack, usual);
    SEND(&device, { 1, 3, 1700000003 }, { 6, 6, 1700000006 });
    test_process_end(writer, SIGKILL); /* it may have told by then, or not */
    writer = stack_writer(&stack, usual);
    SEND(&device, { 7, 9, 1700000009 }, { 11, 11, 1700000011 });
    const Nwims__V1__DeviceGaps *event = next_told(&device);
    while (event->n_missing < 2)
        event = next_told(&device);
    assert_int_equal(event->missing[0]->first, 4);
    assert_int_equal(event->missing[0]->last, 5);
    assert_int_equal(event->missing[1]->first, 10);
    assert_int_equal(event->missing[1]->last, 10);
    assert_int_equal(event->missed, 3);
    assert_int_equal(event->late, 0);
    test_process_end(writer, SIGTERM);
}

static void numbers_that_begin_anew_have_gaps_of_their_own(void **state)
{
    struct uuid device = uuid_new();
    (void)state;
    pid_t writer = stack_writer(&stack, usual);
    SEND(&device, { 1, 10, 1700000010 }, { 15, 20, 1700000020 });
    assert_int_equal(next_told(&device)->missed, 4);
    SEND(&device, { 1, 1, 1700000100 }, { 3, 3, 1700000103 });
    const Nwims__V1__DeviceGaps *event = next_told(&device);
    assert_int_equal(event->epoch, 1);
    assert_int_equal(event->missed, 1);
    assert_int_equal(event->missing[0]->first, 2);
    test_process_end(writer, SIGTERM);
}

static void marks_that_cannot_be_are_passed_over(void **state)
{
    struct uuid device = uuid_new();
    (void)state;
    pid_t writer = stack_writer(&stack, usual);
    SEND(&device, { 1, 1, 1700000001 }, { 9, 2, 1700000009 }, { 0, UINT64_MAX, 1700000009 }, { 4, 4, 1700000004 });
    const Nwims__V1__DeviceGaps *event = next_told(&device);
    assert_int_equal(event->missed, 2);
    assert_int_equal(event->n_missing, 1);
    test_process_end(writer, SIGTERM);
}

/* Many devices, two replicas of two writers each, every record in a message of its own: what was only overtaken between
 * them was neither missing nor late. */
static void writers_that_overtake_each_other_make_no_gap(void **state)
{
    enum { DEVICES = 8, ROUNDS = 100 };
    static const char committed[] =
        "SELECT count(*)::int8 FROM telemetry.committed_message WHERE tenant_id = 21 AND committed_at > now() - "
        "interval '1 day'";
    struct uuid devices[DEVICES];
    (void)state;
    pid_t first = stack_writer(&stack, usual), second = stack_writer(&stack, usual);
    int64_t before = stack_number(stack.owner, committed);
    for (size_t i = 0; i < DEVICES; i++)
        devices[i] = uuid_new();
    for (uint64_t round = 1; round <= ROUNDS; round++)
        for (size_t i = 0; i < DEVICES; i++)
            publish_marks(&devices[i], &(struct mark){ round, round, 1700000000 + (int64_t)round }, 1, NULL);
    stack_wait_for(stack.owner, committed, before + DEVICES * ROUNDS);
    for (size_t i = 0; i < DEVICES; i++) {
        SEND(&devices[i], { ROUNDS + 2, ROUNDS + 2, 1700000000 + ROUNDS + 2 });
        const Nwims__V1__DeviceGaps *event = next_told(&devices[i]);
        assert_int_equal(event->n_missing, 1);
        assert_int_equal(event->missed, 1);
        assert_int_equal(event->late, 0);
        assert_int_equal(event->epoch, 0);
    }
    test_process_end(first, SIGTERM);
    test_process_end(second, SIGTERM);
}

static int start(void **state)
{
    struct err err = { 0 };
    (void)state;
    stack_start(&stack);
    arena_init(&arena, 1 << 20);
    const struct bus_consumer_config config = {
        .stream = "EVENTS", .durable = "test-gaps", .filter = "events.*.gaps", .batch = 64
    };
    must(bus_consumer_open(&told, stack.bus, &config, &err), &err);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bus_consumer_close(told);
    arena_done(&arena);
    stack_stop(&stack);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_passed_over_is_told_and_what_comes_late_closes_it),
        cmocka_unit_test(a_kill_neither_makes_a_gap_nor_forgets_one),
        cmocka_unit_test(numbers_that_begin_anew_have_gaps_of_their_own),
        cmocka_unit_test(marks_that_cannot_be_are_passed_over),
        cmocka_unit_test(writers_that_overtake_each_other_make_no_gap),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
