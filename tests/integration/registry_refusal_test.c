/* What could not be taken, on a real server: kept once, shown to its tenant, taken up again and stored once. */
#include "base/uuid.h"
#include "ingest/kept_body.h"
#include "nwims/v1/bulk.pb-c.h"
#include "service/streams.h"
#include "tests/integration/registry_stack.h"

#include <stdatomic.h>

enum { TENANT = 21, OTHER = 22, CEILING = 25 /* REFUSALS_MOST of this test */ };

/* ---- telling ---- */
struct told {
    int32_t tenant_id;
    const char *id, *reason, *device_id, *content_type, *raw;
    size_t raw_size; /* 0: a text */
    int64_t received_at, size, readings;
};

static void tell(const struct told *told, const char *message_id)
{
    Nwims__V1__Refused refused = NWIMS__V1__REFUSED__INIT;
    Nwims__V1__Provenance provenance = NWIMS__V1__PROVENANCE__INIT;
    AUTO_INPLACE(buffer) payload = { 0 };
    struct err err = { 0 };
    char subject[64];
    size_t size = told->raw_size > 0 ? told->raw_size : strlen(told->raw);
    refused.has_tenant_id = refused.has_received_at = refused.has_raw = refused.has_size = true;
    refused.tenant_id = told->tenant_id;
    refused.received_at = told->received_at;
    refused.id = text_of(told->id);
    refused.reason = text_of(told->reason);
    refused.detail = text_of("there is no sensor \"P9\": register it, or check the code");
    refused.provenance = &provenance;
    provenance.protocol = text_of("http");
    provenance.device_id = told->device_id ? text_of(told->device_id) : NULL;
    provenance.peer = text_of("192.0.2.9");
    refused.content_type = text_of(told->content_type);
    refused.raw = (ProtobufCBinaryData){ size, (unsigned char *)(uintptr_t)told->raw };
    refused.size = told->size > 0 ? told->size : (int64_t)size;
    refused.has_readings = told->readings > 0;
    refused.readings = told->readings;
    snprintf(subject, sizeof subject, "refused.%d.%s", (int)told->tenant_id, told->reason);
    must(wire_encode(&payload, &refused.base, &err), &err);
    const struct bus_outgoing message = { .subject = subject, .data = payload.data, .size = payload.size };
    must(bus_publish(bus, &message, message_id, 5000, NULL, &err), &err);
}

static char *new_id(void)
{
    struct uuid uuid = uuid_new();
    char *text = arena_alloc(&arena, UUID_TEXT_SIZE);
    uuid_format(text, &uuid);
    return text;
}

static const Nwims__V1__ListRejectionsReply *list(int32_t tenant_id, const Nwims__V1__ListRejectionsRequest *request)
{
    return call(tenant_id, "ListRejections", request);
}

static void await_count(int32_t tenant_id, size_t wanted)
{
    Nwims__V1__ListRejectionsRequest request = NWIMS__V1__LIST_REJECTIONS_REQUEST__INIT;
    size_t found = 0;
    for (int i = 0; i < 250; i++) {
        if ((found = list(tenant_id, &request)->n_items) == wanted)
            return;
        clock_sleep_ms(20);
    }
    fail_msg("%zu rejections instead of %zu", found, wanted);
}

static const Nwims__V1__Rejection *get(int32_t tenant_id, const char *id)
{
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    request.id = text_of(id);
    return call(tenant_id, "GetRejection", &request);
}

/* ---- what comes into READINGS ---- */
static atomic_int batches;
static Nwims__V1__ReadingBatch *last_batch;
static pthread_mutex_t batch_lock = PTHREAD_MUTEX_INITIALIZER;

static void on_batch_take(void *context, struct bus_message *taken)
{
    static struct arena kept;
    AUTO(bus_message) message = taken;
    ProtobufCMessage *decoded;
    struct err err = { 0 };
    (void)context;
    pthread_mutex_lock(&batch_lock);
    if (kept.ceiling_bytes == 0)
        arena_init(&kept, 1024 * 1024);
    if (wire_decode(&decoded, &kept, &nwims__v1__reading_batch__descriptor, bus_message_data(message),
            bus_message_size(message), &err)) {
        last_batch = (Nwims__V1__ReadingBatch *)decoded;
        atomic_fetch_add(&batches, 1);
    }
    pthread_mutex_unlock(&batch_lock);
}

static const Nwims__V1__Job *replay(int32_t tenant_id, const char *permissions, const char *id,
    Nwims__V1__RejectionFilter *filter, enum err_kind wanted)
{
    Nwims__V1__ReplayRejectionsRequest request = NWIMS__V1__REPLAY_REJECTIONS_REQUEST__INIT;
    struct rpc_caller caller = caller_of(tenant_id, permissions);
    ProtobufCMessage *reply = NULL;
    struct err err = { 0 };
    char *ids[] = { text_of(id ? id : "") };
    request.n_ids = id ? 1 : 0;
    request.ids = ids;
    request.filter = filter;
    bool ok = rpc_call(bus, &nwims__v1__registry_bulk__descriptor, "ReplayRejections", &caller, &request.base, 20000,
        &arena, &reply, &failure, &err);
    if ((ok ? ERR_NONE : err.kind) != wanted)
        fail_msg("replay: %s", err.text);
    return (const Nwims__V1__Job *)reply;
}

/* ---- */
static void a_refusal_is_kept_once_and_shown_to_its_tenant_alone(void **state)
{
    const char *device = make_device(TENANT, "LOGGER-1");
    struct told told = { .tenant_id = TENANT,
        .id = new_id(),
        .reason = "unknown_sensor",
        .device_id = device,
        .content_type = "application/json",
        .raw = "[{\"sensor_id\":\"P9\",\"value\":4.5}]",
        .received_at = clock_now_us() - 5000000,
        .readings = 1 };
    (void)state;
    tell(&told, "first");
    tell(&told, "the same under another message id");
    await_count(TENANT, 1);
    await_count(OTHER, 0);
    const Nwims__V1__Rejection *rejection = get(TENANT, told.id);
    assert_string_equal(rejection->text, told.raw);
    assert_string_equal(rejection->raw, "W3sic2Vuc29yX2lkIjoiUDkiLCJ2YWx1ZSI6NC41fV0=");
    assert_string_equal(rejection->device_code, "LOGGER-1");
    assert_string_equal(rejection->state, "kept");
    assert_true(rejection->can_replay);
    assert_true(rejection->received_at == told.received_at);
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    request.id = text_of(told.id);
    assert_int_equal(try(OTHER, "GetRejection", &request), ERR_NOT_FOUND);
    Nwims__V1__RefusalCountsRequest days = NWIMS__V1__REFUSAL_COUNTS_REQUEST__INIT;
    days.has_from_at = true;
    days.from_at = clock_now_us() - 86400 * INT64_C(1000000);
    const Nwims__V1__RefusalCounts *counts = call(TENANT, "CountRefusals", &days);
    assert_int_equal(counts->n_protocols, 1);
    assert_int_equal(counts->protocols[0]->n_refusals, 1);
    assert_string_equal(counts->protocols[0]->refusals[0]->reason, "unknown_sensor");
    assert_int_equal(counts->protocols[0]->refusals[0]->readings, 1);
    counts = call(OTHER, "CountRefusals", &days);
    assert_int_equal(counts->n_protocols, 0);
}

static void a_rejection_is_taken_up_again_with_the_time_at_which_it_came_and_once(void **state)
{
    Nwims__V1__ListRejectionsRequest all = NWIMS__V1__LIST_REJECTIONS_REQUEST__INIT;
    const Nwims__V1__Rejection *rejection = list(TENANT, &all)->items[0];
    int before = atomic_load(&batches);
    (void)state;
    const Nwims__V1__Job *job = replay(TENANT, "*:*", rejection->id, NULL, ERR_NONE);
    assert_int_equal(job->failed, 1); /* there still is no sensor P9 */
    assert_int_equal(job->n_items, 1);
    assert_string_equal(job->items[0]->outcome, "failed");
    assert_string_equal(get(TENANT, rejection->id)->state, "refused");
    assert_int_equal(atomic_load(&batches), before);
    make_sensor(TENANT, "P9", "pressure");
    clock_sleep_ms(2500); /* an absent name is remembered for two seconds, unless an event comes first */
    job = replay(TENANT, "*:*", rejection->id, NULL, ERR_NONE);
    assert_int_equal(job->updated, 1);
    for (int i = 0; i < 250 && atomic_load(&batches) == before; i++)
        clock_sleep_ms(20);
    pthread_mutex_lock(&batch_lock);
    assert_int_equal(last_batch->n_value, 1);
    assert_true(last_batch->received_at == rejection->received_at);
    assert_true(last_batch->base_at + last_batch->observed_delta_us[0] == rejection->received_at);
    assert_string_equal(last_batch->provenance->protocol, "replay");
    assert_string_equal(last_batch->provenance->device_id, rejection->device_id);
    pthread_mutex_unlock(&batch_lock);
    rejection = get(TENANT, rejection->id);
    assert_string_equal(rejection->state, "accepted");
    assert_int_equal(rejection->replay_accepted, 1);
    assert_string_equal(rejection->replayed_by, "tester");
    int after = atomic_load(&batches);
    job = replay(TENANT, "*:*", rejection->id, NULL, ERR_NONE);
    assert_int_equal(job->unchanged, 1);
    clock_sleep_ms(200);
    assert_int_equal(atomic_load(&batches), after);
    await_count(TENANT, 1); /* what is refused again is no second rejection */
}

static void what_cannot_be_read_again_says_so(void **state)
{
    static const struct {
        const char *content_type, *raw, *why;
        size_t raw_size;
        int64_t size;
    } cases[] = {
        { KEPT_BODY_SPARKPLUG, "x", "cannot be told", 0, 0 },
        { "application/json", "[{\"sensor_id\"", "64 KiB", 0, 100000 },
        { "application/json", "[{", "JSON", 0, 0 },
        { KEPT_BODY_VALUE "NO-SUCH", "\x00\xff\x01", "", 3, 0 },
    };
    const char *device = make_device(TENANT, "LOGGER-2");
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct told told = { .tenant_id = TENANT,
            .id = new_id(),
            .reason = "malformed",
            .device_id = device,
            .content_type = cases[i].content_type,
            .raw = cases[i].raw,
            .raw_size = cases[i].raw_size,
            .size = cases[i].size,
            .received_at = clock_now_us() };
        tell(&told, told.id);
        await_count(TENANT, 2 + i);
        const Nwims__V1__Job *job = replay(TENANT, "*:*", told.id, NULL, ERR_NONE);
        assert_int_equal(job->failed, 1);
        if (!strstr(job->items[0]->reason, cases[i].why))
            fail_msg("%s: %s", cases[i].content_type, job->items[0]->reason);
        assert_true((get(TENANT, told.id)->text == NULL) == (cases[i].raw_size > 0));
    }
}

static void lists_have_pages_and_filters_and_need_their_permission(void **state)
{
    Nwims__V1__ListRejectionsRequest request = NWIMS__V1__LIST_REJECTIONS_REQUEST__INIT;
    size_t seen = 0;
    int64_t before = INT64_MAX;
    (void)state;
    request.has_limit = true;
    request.limit = 2;
    for (;;) {
        const Nwims__V1__ListRejectionsReply *page = list(TENANT, &request);
        for (size_t i = 0; i < page->n_items; i++) {
            assert_true(page->items[i]->received_at <= before);
            before = page->items[i]->received_at;
        }
        seen += page->n_items;
        if (!(request.cursor = page->next_cursor))
            break;
    }
    assert_int_equal(seen, 5);
    request = (Nwims__V1__ListRejectionsRequest)NWIMS__V1__LIST_REJECTIONS_REQUEST__INIT;
    request.state = text_of("accepted");
    assert_int_equal(list(TENANT, &request)->n_items, 1);
    request.reason = text_of("malformed");
    assert_int_equal(list(TENANT, &request)->n_items, 0);
    struct rpc_caller caller = caller_of(TENANT, "devices:*");
    assert_int_equal(call_as(&caller, "ListRejections", &request, NULL), ERR_DENIED);
    replay(TENANT, "ingest:read", new_id(), NULL, ERR_DENIED);
    caller = caller_of(TENANT, "*:*");
    snprintf(caller.scope, sizeof caller.scope, "m:%s", new_id());
    assert_int_equal(call_as(&caller, "ListRejections", &request, NULL), ERR_DENIED);
    replay(TENANT, "*:*", NULL, NULL, ERR_INPUT);
}

static void many_are_taken_up_by_a_job_and_a_tenant_keeps_the_newest_only(void **state)
{
    Nwims__V1__RejectionFilter filter = NWIMS__V1__REJECTION_FILTER__INIT;
    Nwims__V1__ReplayRejectionsRequest request = NWIMS__V1__REPLAY_REJECTIONS_REQUEST__INIT;
    struct rpc_caller caller = caller_of(OTHER, "*:*");
    ProtobufCMessage *reply = NULL;
    struct err err = { 0 };
    const char *device = make_device(OTHER, "LOGGER-3");
    (void)state;
    make_sensor(OTHER, "P9", "pressure");
    for (int i = 0; i < CEILING + 10; i++) {
        struct told told = { .tenant_id = OTHER,
            .id = new_id(),
            .reason = "unknown_sensor",
            .device_id = device,
            .content_type = KEPT_BODY_VALUE "P9",
            .raw = "12.5",
            .received_at = clock_now_us() + i,
            .readings = 1 };
        tell(&told, told.id);
    }
    await_count(OTHER, CEILING);
    request.filter = &filter;
    filter.reason = text_of("unknown_sensor");
    request.has_respond_async = request.respond_async = true;
    must(rpc_call(bus, &nwims__v1__registry_bulk__descriptor, "ReplayRejections", &caller, &request.base, 20000, &arena,
             &reply, NULL, &err),
        &err);
    Nwims__V1__ById by_id = NWIMS__V1__BY_ID__INIT;
    by_id.id = ((const Nwims__V1__Job *)reply)->id;
    for (int i = 0; i < 500; i++) {
        must(rpc_call(bus, &nwims__v1__registry_bulk__descriptor, "GetJob", &caller, &by_id.base, 5000, &arena, &reply,
                 NULL, &err),
            &err);
        if (strcmp(((const Nwims__V1__Job *)reply)->state, "done") == 0)
            break;
        clock_sleep_ms(20);
    }
    const Nwims__V1__Job *job = (const Nwims__V1__Job *)reply;
    assert_string_equal(job->state, "done");
    assert_int_equal(job->total, CEILING);
    assert_int_equal(job->updated, CEILING);
    Nwims__V1__ListRejectionsRequest accepted = NWIMS__V1__LIST_REJECTIONS_REQUEST__INIT;
    accepted.state = text_of("accepted");
    assert_int_equal(list(OTHER, &accepted)->n_items, CEILING);
    expect_audit(OTHER, "rejections.replay", job->id, "{\"items\":25,\"updated\":25,\"unchanged\":0,\"failed\":0}");
}

static int start_here(void **state)
{
    struct err err = { 0 };
    static struct bus_subscription *readings;
    setenv("REFUSALS_MOST", "25", 1);
    if (start(state) != 0)
        return -1;
    must(bus_subscribe(&readings, bus, "readings.>", NULL, on_batch_take, NULL, &err), &err);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_is_kept_once_and_shown_to_its_tenant_alone),
        cmocka_unit_test(a_rejection_is_taken_up_again_with_the_time_at_which_it_came_and_once),
        cmocka_unit_test(what_cannot_be_read_again_says_so),
        cmocka_unit_test(lists_have_pages_and_filters_and_need_their_permission),
        cmocka_unit_test(many_are_taken_up_by_a_job_and_a_tenant_keeps_the_newest_only),
    };
    return cmocka_run_group_tests(tests, start_here, stop);
}
