/* history's answers against what this test computes itself from the readings it sent, and tenants kept apart by the API
 * and in the database. */
#include "nwims/v1/history.pb-c.h"
#include "nwims/v1/registry.pb-c.h"
#include "rpc/rpc.h"
#include "tests/integration/forgotten_tenant.h"
#include "tests/integration/telemetry_stack.h"
#include <math.h>

enum { READINGS = 3000, LATE_READINGS = 300, ALL_READINGS = READINGS + LATE_READINGS, DAYS = 60 };

static struct stack stack;
static struct arena arena;
static struct row all[ALL_READINGS]; /* of SENSOR_1 of tenant 1, in order of time */
static size_t all_count;
static int32_t sensor_no, other_sensor_no; /* SENSOR_1 of tenant 1 and of tenant 2 */
static char sensor_id[64];

static struct rpc_caller caller_of(int32_t tenant_id)
{
    struct rpc_caller caller = { .tenant_id = tenant_id, .actor = "test", .permissions = "*:*" };
    trace_begin(&caller.trace, NULL);
    return caller;
}

static bool ask(const ProtobufCServiceDescriptor *service, const char *method, int32_t tenant_id,
    const ProtobufCMessage *request, ProtobufCMessage **out_reply, struct err *err)
{
    struct rpc_caller caller = caller_of(tenant_id);
    *err = (struct err){ 0 };
    return rpc_call(stack.bus, service, method, &caller, request, 10000, &arena, out_reply, NULL, err);
}

static void *must_ask(const char *method, int32_t tenant_id, const ProtobufCMessage *request)
{
    struct err err;
    ProtobufCMessage *reply = NULL;
    must(ask(&nwims__v1__history__descriptor, method, tenant_id, request, &reply, &err), &err);
    return reply;
}

static void must_fail(const char *method, int32_t tenant_id, const ProtobufCMessage *request, enum err_kind kind)
{
    struct err err;
    ProtobufCMessage *reply = NULL;
    assert_false(ask(&nwims__v1__history__descriptor, method, tenant_id, request, &reply, &err));
    if (err.kind != kind)
        fail_msg("%s: %s instead of %s: %s", method, err_kind_name(err.kind), err_kind_name(kind), err.text);
}

static uint32_t seed = 4242;
static uint32_t any(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static int64_t midnight(void)
{
    return clock_now_us() / STACK_DAY_US * STACK_DAY_US;
}

/* ---- what is there -------------------------------------------------------------------------------------------------
 */

static const Nwims__V1__Sensor *make_sensor(int32_t tenant_id, const char *code)
{
    struct err err;
    ProtobufCMessage *reply = NULL;
    Nwims__V1__Sensor sensor = NWIMS__V1__SENSOR__INIT;
    sensor.code = (char *)(uintptr_t)code;
    sensor.kind = (char *)(uintptr_t) "pressure";
    must(ask(&nwims__v1__registry__descriptor, "CreateSensor", tenant_id, &sensor.base, &reply, &err), &err);
    return (const Nwims__V1__Sensor *)reply;
}

static int by_time(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    return (a->observed_at > b->observed_at) - (a->observed_at < b->observed_at);
}

/* Different times, so that it does not matter which of two comes first. */
static void make_readings(void)
{
    for (size_t i = 0; i < ALL_READINGS; i++)
        all[i] = (struct row){ .sensor_no = sensor_no,
            .observed_at = midnight() - (int64_t)any(DAYS * 24 * 60) * 60000000 - (int64_t)i,
            .value = any(100000) / 64.0 - 300,
            .status = any(10) == 0   ? 0x80000000u
                      : any(10) == 0 ? 0x00960000u /* Good, by hand */
                                     : 0,
            .flags = any(10) == 0 ? 5 : 0 };
    all_count = ALL_READINGS;
}

static void start_registry(void)
{
    struct store *super = NULL;
    struct err err = { 0 };
    char owner[128], user[128];
    must(store_open(&super,
             &(struct store_config){ .url = stack.postgres.url,
                 .schema = "public",
                 .name = "test",
                 .pool_size = 1,
                 .wait_ms = 5000,
                 .prepare = true },
             &err),
        &err);
    stack_script(super, "CREATE ROLE nwims_registry_owner LOGIN; CREATE ROLE nwims_registry LOGIN;"
                        "GRANT CREATE ON DATABASE postgres TO nwims_registry_owner");
    store_close(super);
    snprintf(owner, sizeof owner, "postgresql://nwims_registry_owner@127.0.0.1:%d/postgres", stack.postgres.port);
    snprintf(user, sizeof user, "postgresql://nwims_registry@127.0.0.1:%d/postgres", stack.postgres.port);
    stack_program(&stack, "registry", user, owner, NULL);
}

static void wait_for_service(
    const ProtobufCServiceDescriptor *service, const char *method, const ProtobufCMessage *request)
{
    struct err err = { 0 };
    ProtobufCMessage *reply = NULL;
    for (int i = 0; i < 200 && !ask(service, method, 1, request, &reply, &err) && err.kind == ERR_TRANSIENT; i++)
        clock_sleep_ms(50);
}

static void send_all(size_t begin, size_t end)
{
    enum { PIECE = 250 };
    for (size_t i = begin; i < end; i += PIECE) {
        size_t count = end - i < PIECE ? end - i : PIECE;
        assert_int_equal(stack_send(&stack, 1, all + i, count, true).stored, count);
    }
}

/* Most readings are rolled up; the late ones are still due when the questions come. */
static int start(void **state)
{
    (void)state;
    const char *const quick[] = { "ROLLUP_MS=20", "LINGER_MS=0", NULL }, *const never[] = { "ROLLUP_MS=3600000",
        "LINGER_MS=0", NULL };
    Nwims__V1__ListSensorsRequest list = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    Nwims__V1__IngestStatisticsRequest days = NWIMS__V1__INGEST_STATISTICS_REQUEST__INIT;
    arena_init(&arena, (size_t)256 << 20);
    stack_start(&stack);
    AUTO(store) superuser = stack_store(stack.postgres.url);
    forgotten_tenant_listen(superuser, "nwims_history");
    start_registry();
    pid_t writer = stack_writer(&stack, quick);
    wait_for_service(&nwims__v1__registry__descriptor, "ListSensors", &list.base);
    const Nwims__V1__Sensor *sensor = make_sensor(1, "SENSOR_1");
    sensor_no = sensor->sensor_no;
    snprintf(sensor_id, sizeof sensor_id, "%s", sensor->id);
    make_sensor(1, "SILENT");
    make_sensor(2, "ONLY_2");
    other_sensor_no = make_sensor(2, "SENSOR_1")->sensor_no;
    make_readings();
    send_all(0, READINGS);
    struct row other = { other_sensor_no, midnight() - STACK_HOUR_US, 77, 0, 0 };
    assert_int_equal(stack_send(&stack, 2, &other, 1, false).stored, 1);
    stack_wait_for(stack.owner, "SELECT count(*) FROM telemetry.rollup_due", 0);
    test_process_end(writer, SIGTERM);
    writer = stack_writer(&stack, never);
    clock_sleep_ms(300); /* its first round */
    send_all(READINGS, ALL_READINGS);
    qsort(all, all_count, sizeof *all, by_time);
    stack_program(&stack, "history", stack.history_url, "", NULL);
    wait_for_service(&nwims__v1__history__descriptor, "GetIngestStatistics", &days.base);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stack_stop(&stack);
    arena_done(&arena);
    return 0;
}

static char text[8][72];
static char *t(int slot, const char *value)
{
    snprintf(text[slot], sizeof text[slot], "%s", value);
    return text[slot];
}

/* ---- series and latest
 * ------------------------------------------------------------------------------------------------ */

static void expect_reading(const Nwims__V1__Reading *reading, const struct row *row)
{
    assert_string_equal(reading->sensor_id, "SENSOR_1");
    assert_string_equal(reading->unit, "bar");
    assert_int_equal(reading->observed_at, row->observed_at);
    assert_true(reading->value == row->value);
    assert_int_equal(reading->has_status, row->status != 0);
    assert_int_equal(reading->status, row->status);
    assert_int_equal(reading->flags, row->flags);
    assert_true(reading->received_at > row->observed_at);
}

static void pages_give_every_reading_once(void **state)
{
    (void)state;
    for (int is_descending = 0; is_descending < 2; is_descending++) {
        Nwims__V1__SeriesRequest request = NWIMS__V1__SERIES_REQUEST__INIT;
        size_t seen = 0, pages = 0;
        request.id = t(0, is_descending ? sensor_id : "SENSOR_1");
        request.order = t(1, is_descending ? "desc" : "asc");
        request.has_limit = true;
        request.limit = 700;
        do {
            const Nwims__V1__SeriesReply *reply = must_ask("GetSeries", 1, &request.base);
            for (size_t i = 0; i < reply->n_items; i++, seen++) {
                assert_true(seen < all_count);
                expect_reading(reply->items[i], &all[is_descending ? all_count - 1 - seen : seen]);
            }
            request.cursor = reply->next_cursor ? t(2, reply->next_cursor) : NULL;
        } while (request.cursor && ++pages < 20);
        assert_int_equal(seen, all_count);
        arena_reset(&arena);
    }
}

static void a_range_is_half_open(void **state)
{
    (void)state;
    Nwims__V1__SeriesRequest request = NWIMS__V1__SERIES_REQUEST__INIT;
    request.id = t(0, "SENSOR_1");
    request.order = t(1, "asc");
    request.has_from_at = request.has_to_at = true;
    request.from_at = all[10].observed_at;
    request.to_at = all[20].observed_at;
    const Nwims__V1__SeriesReply *reply = must_ask("GetSeries", 1, &request.base);
    assert_int_equal(reply->n_items, 10);
    expect_reading(reply->items[0], &all[10]);
    expect_reading(reply->items[9], &all[19]);
    /* As far as the numbers go. */
    request.from_at = INT64_MIN;
    request.to_at = INT64_MAX;
    reply = must_ask("GetSeries", 1, &request.base);
    assert_int_equal(reply->n_items, 1000);
    expect_reading(reply->items[0], &all[0]);
}

static void wrong_series_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *id, *cursor;
        int32_t limit;
        int64_t from_at, to_at;
        enum err_kind kind;
    } table[] = {
        { "NOBODY", NULL, 1, 0, 1, ERR_NOT_FOUND },
        { "", NULL, 1, 0, 1, ERR_NOT_FOUND },
        { "SENSOR_1", NULL, 0, 0, 1, ERR_INPUT },
        { "SENSOR_1", NULL, 10001, 0, 1, ERR_INPUT },
        { "SENSOR_1", "zz", 1, 0, 1, ERR_INPUT },
        { "SENSOR_1", "", 1, 0, 1, ERR_INPUT },
        { "SENSOR_1", NULL, 1, 2, 1, ERR_INPUT },
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        Nwims__V1__SeriesRequest request = NWIMS__V1__SERIES_REQUEST__INIT;
        request.id = t(0, table[i].id);
        request.cursor = table[i].cursor ? t(1, table[i].cursor) : NULL;
        request.has_limit = request.has_from_at = request.has_to_at = true;
        request.limit = table[i].limit;
        request.from_at = table[i].from_at;
        request.to_at = table[i].to_at;
        must_fail("GetSeries", 1, &request.base, table[i].kind);
    }
}

static void the_latest_is_the_newest_observed(void **state)
{
    (void)state;
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    request.id = t(0, "SENSOR_1");
    expect_reading(must_ask("GetLatest", 1, &request.base), &all[all_count - 1]);
    request.id = t(0, "SILENT");
    must_fail("GetLatest", 1, &request.base, ERR_NOT_FOUND);
    request.id = t(0, "NOBODY");
    must_fail("GetLatest", 1, &request.base, ERR_NOT_FOUND);

    Nwims__V1__LatestRequest many = NWIMS__V1__LATEST_REQUEST__INIT;
    char *names[1001];
    names[0] = t(1, "SILENT");
    names[1] = sensor_id;
    many.n_sensor_ids = 2;
    many.sensor_ids = names;
    const Nwims__V1__LatestReply *reply = must_ask("GetLatestOfMany", 1, &many.base);
    assert_int_equal(reply->n_items, 1);
    expect_reading(reply->items[0], &all[all_count - 1]);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = sensor_id;
    many.n_sensor_ids = COUNT_OF(names);
    must_fail("GetLatestOfMany", 1, &many.base, ERR_INPUT);
}

/* What a permission for a part of the tenant does not cover is not there; where the sensor counts to may change. */
static enum err_kind ask_scoped(const char *scope, const char *method, const ProtobufCMessage *request)
{
    struct rpc_caller caller = caller_of(1);
    struct err err = { 0 };
    ProtobufCMessage *reply = NULL;
    snprintf(caller.scope, sizeof caller.scope, "%s", scope);
    bool ok = rpc_call(
        stack.bus, &nwims__v1__history__descriptor, method, &caller, request, 10000, &arena, &reply, NULL, &err);
    return ok ? ERR_NONE : err.kind;
}

static void readings_outside_the_callers_scope_are_not_there(void **state)
{
    (void)state;
    struct err err;
    ProtobufCMessage *made = NULL;
    Nwims__V1__Municipality town = NWIMS__V1__MUNICIPALITY__INIT;
    Nwims__V1__Sensor patch = NWIMS__V1__SENSOR__INIT;
    Nwims__V1__ById latest = NWIMS__V1__BY_ID__INIT;
    Nwims__V1__SeriesRequest series = NWIMS__V1__SERIES_REQUEST__INIT;
    char inside[48], outside[] = "m:0190a0a0-1234-7abc-8def-0123456789ab";
    town.code = town.name = t(0, "TOWN");
    must(ask(&nwims__v1__registry__descriptor, "CreateMunicipality", 1, &town.base, &made, &err), &err);
    char *town_id = ((Nwims__V1__Municipality *)made)->id;
    snprintf(inside, sizeof inside, "m:%s", town_id);
    latest.id = series.id = patch.id = t(1, "SENSOR_1");
    assert_int_equal(ask_scoped(inside, "GetLatest", &latest.base), ERR_NOT_FOUND);
    patch.municipality_id = town_id;
    must(ask(&nwims__v1__registry__descriptor, "UpdateSensor", 1, &patch.base, &made, &err), &err);
    for (int i = 0; i < 250 && ask_scoped(inside, "GetLatest", &latest.base) != ERR_NONE; i++)
        clock_sleep_ms(20); /* until the event of the change has come */
    assert_int_equal(ask_scoped(inside, "GetLatest", &latest.base), ERR_NONE);
    assert_int_equal(ask_scoped(inside, "GetSeries", &series.base), ERR_NONE);
    assert_int_equal(ask_scoped(outside, "GetLatest", &latest.base), ERR_NOT_FOUND);
    assert_int_equal(ask_scoped(outside, "GetSeries", &series.base), ERR_NOT_FOUND);
}

/* ---- windows and statistics
 * --------------------------------------------------------------------------------------------- */

static void expect_windows(const char *width, int64_t width_us, int64_t from_at, int64_t to_at)
{
    Nwims__V1__AggregateRequest request = NWIMS__V1__AGGREGATE_REQUEST__INIT;
    request.sensor_id = t(0, "SENSOR_1");
    request.window = t(1, width);
    request.has_from_at = request.has_to_at = true;
    request.from_at = from_at;
    request.to_at = to_at;
    const Nwims__V1__AggregateReply *reply = must_ask("GetAggregate", 1, &request.base);
    int64_t first = from_at / width_us * width_us, end = (to_at + width_us - 1) / width_us * width_us;
    size_t window = 0, i = 0;
    assert_string_equal(reply->unit, "bar");
    while (i < all_count && all[i].observed_at < first)
        i++;
    for (; i < all_count && all[i].observed_at < end; window++) {
        int64_t start_at = all[i].observed_at / width_us * width_us, count = 0;
        double least = all[i].value, most = all[i].value, sum = 0, last = 0;
        for (; i < all_count && all[i].observed_at < start_at + width_us; i++, count++) {
            least = fmin(least, all[i].value);
            most = fmax(most, all[i].value);
            sum += all[i].value;
            last = all[i].value;
        }
        assert_true(window < reply->n_items);
        const Nwims__V1__Window *found = reply->items[window];
        assert_int_equal(found->start_at, start_at);
        assert_int_equal(found->count, count);
        assert_true(found->min == least && found->max == most && found->sum == sum && found->last == last);
        assert_true(found->avg == sum / (double)count);
    }
    assert_int_equal(reply->n_items, window);
    assert_true(window > 0);
    arena_reset(&arena);
}

static void windows_are_exact_while_rollups_are_behind(void **state)
{
    (void)state;
    int64_t end = midnight();
    assert_true(stack_number(stack.owner, "SELECT count(*) FROM telemetry.rollup_due") > 0);
    assert_true(stack_number(stack.owner, "SELECT count(*) FROM telemetry.rollup_hour") > 0);
    expect_windows("1m", 60000000, end - 10 * STACK_DAY_US, end);
    expect_windows("1h", STACK_HOUR_US, end - 3 * STACK_DAY_US, end - 1); /* from readings */
    expect_windows("1h", STACK_HOUR_US, end - DAYS * STACK_DAY_US, end);  /* from rollups */
    expect_windows("1h", STACK_HOUR_US, end - 30 * STACK_DAY_US - 12345, end - STACK_DAY_US + 999);
    expect_windows("1d", STACK_DAY_US, end - 5 * STACK_DAY_US, end);
    expect_windows("1d", STACK_DAY_US, end - DAYS * STACK_DAY_US + 1, end);
}

static void wrong_windows_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *id, *window;
        int64_t from_at, to_at;
        enum err_kind kind;
    } table[] = {
        { "NOBODY", "1h", 0, 3600000000, ERR_NOT_FOUND },
        { "SENSOR_1", "2h", 0, 3600000000, ERR_INPUT },
        { "SENSOR_1", "1h", 5, 5, ERR_INPUT },
        { "SENSOR_1", "1m", 0, 60000000 * INT64_C(20001), ERR_INPUT },
        { "SENSOR_1", "1d", 0, INT64_MAX, ERR_INPUT },
        { "SENSOR_1", "1h", INT64_MIN, INT64_MAX, ERR_INPUT },
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        Nwims__V1__AggregateRequest request = NWIMS__V1__AGGREGATE_REQUEST__INIT;
        request.sensor_id = t(0, table[i].id);
        request.window = t(1, table[i].window);
        request.has_from_at = request.has_to_at = true;
        request.from_at = table[i].from_at;
        request.to_at = table[i].to_at;
        must_fail("GetAggregate", 1, &request.base, table[i].kind);
    }
}

static int by_value(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double percentile(const double *sorted, size_t count, double share)
{
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    return below + 1 < count ? sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below])
                             : sorted[below];
}

static void assert_near(double found, double wanted)
{
    if (fabs(found - wanted) > 1e-9 * fmax(1, fabs(wanted)))
        fail_msg("%.17g instead of %.17g", found, wanted);
}

static void statistics_match_an_independent_computation(void **state)
{
    (void)state;
    static double values[ALL_READINGS];
    double sum = 0, squares = 0;
    int64_t not_good = 0;
    for (size_t i = 0; i < all_count; i++) {
        values[i] = all[i].value;
        sum += values[i];
        not_good += all[i].status >> 30 != 0;
    }
    double mean = sum / (double)all_count;
    for (size_t i = 0; i < all_count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    qsort(values, all_count, sizeof *values, by_value);
    Nwims__V1__StatisticsRequest request = NWIMS__V1__STATISTICS_REQUEST__INIT;
    request.id = t(0, "SENSOR_1");
    request.has_from_at = true;
    request.from_at = midnight() - (DAYS + 1) * STACK_DAY_US;
    const Nwims__V1__Statistics *found = must_ask("GetStatistics", 1, &request.base);
    assert_int_equal(found->count, all_count);
    assert_int_equal(found->not_good, not_good);
    assert_int_equal(found->first_at, all[0].observed_at);
    assert_int_equal(found->last_at, all[all_count - 1].observed_at);
    assert_true(found->min == values[0] && found->max == values[all_count - 1]);
    assert_near(found->avg, mean);
    assert_near(found->stddev, sqrt(squares / (double)(all_count - 1)));
    assert_near(found->p05, percentile(values, all_count, 0.05));
    assert_near(found->p50, percentile(values, all_count, 0.5));
    assert_near(found->p95, percentile(values, all_count, 0.95));
    request.id = t(0, "SILENT");
    found = must_ask("GetStatistics", 1, &request.base);
    assert_int_equal(found->count, 0);
    assert_false(found->has_min || found->has_stddev || found->has_first_at);
}

static void statistics_are_bounded(void **state)
{
    (void)state;
    static const struct {
        int64_t from_at, to_at;
    } table[] = { { 0, 401 * STACK_DAY_US }, { 5, 5 }, { INT64_MIN, INT64_MAX }, { INT64_MAX, INT64_MIN },
        { INT64_MIN, 0 } };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        Nwims__V1__StatisticsRequest request = NWIMS__V1__STATISTICS_REQUEST__INIT;
        request.id = t(0, "SENSOR_1");
        request.has_from_at = request.has_to_at = true;
        request.from_at = table[i].from_at;
        request.to_at = table[i].to_at;
        must_fail("GetStatistics", 1, &request.base, ERR_INPUT);
    }
    Nwims__V1__StatisticsRequest only_to = NWIMS__V1__STATISTICS_REQUEST__INIT;
    only_to.id = t(0, "SENSOR_1");
    only_to.has_to_at = true;
    only_to.to_at = INT64_MIN;
    const Nwims__V1__Statistics *found = must_ask("GetStatistics", 1, &only_to.base);
    assert_int_equal(found->count, 0);
}

/* What became of what the ways in could not take: told as they tell it. */
static void tell_refused(int32_t tenant_id, const char *reason, int64_t readings)
{
    static int number;
    Nwims__V1__Refused refused = NWIMS__V1__REFUSED__INIT;
    Nwims__V1__Provenance provenance = NWIMS__V1__PROVENANCE__INIT;
    AUTO_INPLACE(buffer) payload = { 0 };
    struct err err = { 0 };
    struct uuid uuid = uuid_new();
    char id[UUID_TEXT_SIZE], subject[64], message_id[32];
    uuid_format(id, &uuid);
    snprintf(message_id, sizeof message_id, "refused-%d", number++);
    refused.has_tenant_id = refused.has_received_at = true;
    refused.tenant_id = tenant_id;
    refused.received_at = clock_now_us();
    refused.id = id;
    refused.reason = wire_constant(reason);
    refused.provenance = &provenance;
    provenance.protocol = wire_constant("mqtt");
    refused.has_readings = readings > 0;
    refused.readings = readings;
    snprintf(subject, sizeof subject, "refused.%d.%s", (int)tenant_id, reason);
    must(wire_encode(&payload, &refused.base, &err), &err);
    const struct bus_outgoing message = { .subject = subject, .data = payload.data, .size = payload.size };
    must(bus_publish(stack.bus, &message, message_id, 5000, NULL, &err), &err);
}

static const Nwims__V1__IngestProtocol *protocol_of(const Nwims__V1__IngestStatistics *found, const char *protocol)
{
    for (size_t i = 0; i < found->n_protocols; i++)
        if (strcmp(found->protocols[i]->protocol, protocol) == 0)
            return found->protocols[i];
    return NULL;
}

static void ingest_is_accounted_for_by_protocol(void **state)
{
    (void)state;
    Nwims__V1__IngestStatisticsRequest request = NWIMS__V1__INGEST_STATISTICS_REQUEST__INIT;
    const Nwims__V1__IngestStatistics *found = NULL;
    tell_refused(1, "unknown_sensor", 4);
    tell_refused(1, "malformed", 0);
    for (int i = 0; i < 250; i++) {
        found = must_ask("GetIngestStatistics", 1, &request.base);
        if (found->refused == 5)
            break;
        clock_sleep_ms(20);
    }
    assert_int_equal(found->refused, 5);
    const Nwims__V1__IngestProtocol *mqtt = protocol_of(found, "mqtt");
    assert_non_null(mqtt);
    assert_int_equal(mqtt->refused, 5);
    assert_int_equal(mqtt->n_refusals, 2);
    assert_true(mqtt->last_seen_at > clock_now_us() - 60 * INT64_C(1000000));
    int64_t stored = 0;
    for (size_t i = 0; i < found->n_protocols; i++)
        stored += found->protocols[i]->stored;
    assert_int_equal(stored, found->stored);
    found = must_ask("GetIngestStatistics", 2, &request.base);
    assert_int_equal(found->refused, 0);
    assert_null(protocol_of(found, "mqtt"));
    request.has_is_brief = request.is_brief = true;
    found = must_ask("GetIngestStatistics", 1, &request.base);
    assert_int_equal(found->n_protocols, 0);
}

static void ingest_is_counted_by_tenant_and_day(void **state)
{
    (void)state;
    Nwims__V1__IngestStatisticsRequest request = NWIMS__V1__INGEST_STATISTICS_REQUEST__INIT;
    const Nwims__V1__IngestStatistics *found = must_ask("GetIngestStatistics", 1, &request.base);
    assert_int_equal(found->stored, all_count);
    assert_int_equal(found->duplicate, 0);
    assert_true(found->n_days >= 1 && found->days[0]->day_at % STACK_DAY_US == 0);
    found = must_ask("GetIngestStatistics", 2, &request.base);
    assert_int_equal(found->stored, 1);
    request.has_from_at = request.has_to_at = true;
    request.from_at = INT64_MIN;
    request.to_at = INT64_MAX;
    found = must_ask("GetIngestStatistics", 1, &request.base);
    assert_int_equal(found->stored, all_count);
}

/* ---- tenants apart
 * -------------------------------------------------------------------------------------------------------- */

static void a_tenant_sees_its_own_by_the_api(void **state)
{
    (void)state;
    Nwims__V1__ById request = NWIMS__V1__BY_ID__INIT;
    request.id = t(0, "SENSOR_1"); /* both have one of this code */
    const Nwims__V1__Reading *reading = must_ask("GetLatest", 2, &request.base);
    assert_true(reading->value == 77);
    request.id = t(0, "ONLY_2");
    must_fail("GetLatest", 1, &request.base, ERR_NOT_FOUND);
    request.id = sensor_id;
    must_fail("GetLatest", 2, &request.base, ERR_NOT_FOUND);
    request.id = t(0, "SENSOR_1");
    must_fail("GetLatest", 0, &request.base, ERR_DENIED);
}

/* A number as role nwims_history within a transaction of this tenant. */
static int64_t number_as(struct store *store, int32_t tenant_id, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) result = NULL;
    must(store_session_open(&session, store, &err) && store_begin(session, tenant_id, &err) &&
             store_query(session, &result, sql, NO_PARAMS, &err),
        &err);
    return store_result_int(result, 0, 0);
}

static void must_be_denied(struct store *store, const char *sql)
{
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    must(store_session_open(&session, store, &err) && store_begin(session, 1, &err), &err);
    assert_false(store_script(session, sql, &err));
    assert_non_null(strstr(err.text, "42501"));
}

static void the_database_keeps_tenants_apart(void **state)
{
    (void)state;
    static const char *const tables[] = { "reading", "rollup_hour", "rollup_day", "protocol_day", "protocol_minute" };
    AUTO(store) store = stack_store(stack.history_url);
    char sql[160];
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        snprintf(sql, sizeof sql, "SELECT count(*) FROM telemetry.%s WHERE tenant_id <> 2", tables[i]);
        assert_true(stack_number(stack.owner, sql) > 0);
        assert_int_equal(number_as(store, 2, sql), 0);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM telemetry.%s", tables[i]);
        assert_true(number_as(store, 2, sql) > 0);
        assert_int_equal(number_as(store, 0, sql), 0);
        assert_int_equal(stack_number(store, sql), 0); /* no transaction, so no tenant: also after one had been named */
    }
    snprintf(sql, sizeof sql, "SELECT count(*) FROM telemetry.due_hours(%" PRId32 ", 0, 1000000)", sensor_no);
    assert_true(number_as(store, 1, sql) > 0);
    assert_int_equal(number_as(store, 2, sql), 0);
    assert_int_equal(stack_number(store, sql), 0);
}

static void history_may_read_nothing_else(void **state)
{
    (void)state;
    AUTO(store) store = stack_store(stack.history_url);
    struct err err = { 0 };
    AUTO(store_session) session = NULL;
    AUTO(store_result) partitions = NULL;
    char sql[160];
    must(store_session_open(&session, stack.owner, &err) &&
             store_query(session, &partitions,
                 "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'telemetry.reading'::regclass",
                 NO_PARAMS, &err),
        &err);
    assert_true(store_result_rows(partitions) > 3);
    for (size_t row = 0; row < store_result_rows(partitions); row++) {
        const char *name = store_result_text(partitions, row, 0); /* search_path may hide the schema */
        snprintf(sql, sizeof sql, "SELECT * FROM %s", name);
        must_be_denied(store, sql);
    }
    must_be_denied(store, "DELETE FROM telemetry.committed_message");
    must_be_denied(store, "SELECT * FROM telemetry.rollup_due");
    must_be_denied(store, "DELETE FROM telemetry.reading");
    must_be_denied(store, "DELETE FROM telemetry.protocol_day");
    must_be_denied(store, "CREATE TABLE telemetry.mine (x int)");
}

/* It tells a caller what became of his batch. */
static void of_the_ledger_history_sees_one_tenant_at_a_time(void **state)
{
    (void)state;
    AUTO(store) store = stack_store(stack.history_url);
    struct err err = { 0 };
    must(store != NULL, &err);
    assert_true(stack_number(stack.owner, "SELECT count(DISTINCT tenant_id) FROM telemetry.committed_message") > 1);
    assert_int_equal(stack_number(store, "SELECT count(*) FROM telemetry.committed_message"), 0);
    AUTO(store_session) session = NULL;
    AUTO(store_result) rows = NULL;
    must(store_session_open(&session, store, &err) && store_begin(session, 1, &err) &&
             store_query(session, &rows,
                 "SELECT count(*), count(*) FILTER (WHERE tenant_id <> current_setting('nwims.tenant_id')::int) FROM "
                 "telemetry.committed_message",
                 NO_PARAMS, &err),
        &err);
    assert_true(store_result_int(rows, 0, 0) > 0);
    assert_int_equal(store_result_int(rows, 0, 1), 0);
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    AUTO(store) superuser = stack_store(stack.postgres.url);
    forgotten_tenant_check(superuser, stack.postgres.folder, "nwims_history", 6, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_give_every_reading_once),
        cmocka_unit_test(a_range_is_half_open),
        cmocka_unit_test(readings_outside_the_callers_scope_are_not_there),
        cmocka_unit_test(wrong_series_are_refused),
        cmocka_unit_test(the_latest_is_the_newest_observed),
        cmocka_unit_test(windows_are_exact_while_rollups_are_behind),
        cmocka_unit_test(wrong_windows_are_refused),
        cmocka_unit_test(statistics_match_an_independent_computation),
        cmocka_unit_test(statistics_are_bounded),
        cmocka_unit_test(ingest_is_counted_by_tenant_and_day),
        cmocka_unit_test(ingest_is_accounted_for_by_protocol),
        cmocka_unit_test(a_tenant_sees_its_own_by_the_api),
        cmocka_unit_test(the_database_keeps_tenants_apart),
        cmocka_unit_test(history_may_read_nothing_else),
        cmocka_unit_test(of_the_ledger_history_sees_one_tenant_at_a_time),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
