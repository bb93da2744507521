/* Bulk operations of the registry: within the caller's scope, and taken up where a runner that died left them. */
#include "jobs/job_runner.h"
#include "nwims/v1/bulk.pb-c.h"
#include "tests/integration/registry_stack.h"

enum { TENANT = 11, OTHER = 12 };

static enum err_kind bulk_as(
    const struct rpc_caller *caller, const char *method, const void *request, ProtobufCMessage **out_reply)
{
    struct err err = { 0 };
    *out_reply = NULL;
    failure = NULL;
    bool ok = rpc_call(
        bus, &nwims__v1__registry_bulk__descriptor, method, caller, request, 20000, &arena, out_reply, &failure, &err);
    snprintf(err_text, sizeof err_text, "%s", err.text);
    return ok ? ERR_NONE : err.kind;
}

static Nwims__V1__Job *bulk(const struct rpc_caller *caller, const char *method, const void *request)
{
    ProtobufCMessage *reply;
    if (bulk_as(caller, method, request, &reply) != ERR_NONE)
        fail_msg("%s: %s", method, err_text);
    return (Nwims__V1__Job *)reply;
}

static void expect_counts(
    const Nwims__V1__Job *job, int64_t created, int64_t updated, int64_t unchanged, int64_t failed)
{
    if (job->created != created || job->updated != updated || job->unchanged != unchanged || job->failed != failed)
        fail_msg("created %lld, updated %lld, unchanged %lld, failed %lld", (long long)job->created,
            (long long)job->updated, (long long)job->unchanged, (long long)job->failed);
}

/* ---- requests ---- */
static Nwims__V1__BulkOptions skipping(void)
{
    Nwims__V1__BulkOptions options = NWIMS__V1__BULK_OPTIONS__INIT;
    options.on_error = text_of("skip");
    return options;
}

static Nwims__V1__ImportRowsRequest rows_of(const char *what, const char *text, Nwims__V1__BulkOptions *options)
{
    Nwims__V1__ImportRowsRequest request = NWIMS__V1__IMPORT_ROWS_REQUEST__INIT;
    request.what = text_of(what);
    request.options = options;
    request.has_data = true;
    request.data = (ProtobufCBinaryData){ strlen(text), (unsigned char *)text_of(text) };
    return request;
}

struct country {
    char *north, *south;
};
static struct country make_country(int32_t tenant_id)
{
    struct country country = { make_municipality(tenant_id, "NORTH"), make_municipality(tenant_id, "SOUTH") };
    make_zone(tenant_id, "N-ZONE", country.north);
    make_zone(tenant_id, "S-ZONE", country.south);
    struct rpc_caller root = caller_of(tenant_id, "*:*");
    Nwims__V1__ImportRowsRequest request = rows_of("sensors",
        "code,kind,zone\nN-1,flow,N-ZONE\nN-2,flow,N-ZONE\nS-1,flow,S-ZONE\nS-2,flow,S-ZONE\nX-1,flow,\n", NULL);
    expect_counts(bulk(&root, "ImportRows", &request), 5, 0, 0, 0);
    return country;
}

/* ---- scope ---- */
static void a_permission_for_a_part_reaches_that_part_only(void **state)
{
    (void)state;
    struct country country = make_country(TENANT);
    struct rpc_caller caller = caller_of(TENANT, "sensors:bulk devices:bulk");
    snprintf(caller.scope, sizeof caller.scope, "m:%s", country.north);
    Nwims__V1__BulkOptions options = skipping();
    Nwims__V1__SensorRecord set = NWIMS__V1__SENSOR_RECORD__INIT;
    set.name = text_of("seen");
    char *ids[] = { text_of("N-1"), text_of("S-1"), text_of("X-1"), text_of("N-2") };
    Nwims__V1__UpdateSensorsRequest request = NWIMS__V1__UPDATE_SENSORS_REQUEST__INIT;
    request.options = &options;
    request.set = &set;
    request.n_ids = COUNT_OF(ids);
    request.ids = ids;
    Nwims__V1__Job *job = bulk(&caller, "UpdateSensors", &request);
    expect_counts(job, 0, 2, 0, 2);
    assert_string_equal(job->items[1]->reason, "there is no such sensor");
    /* All that a filter without conditions selects is what the caller may see. */
    Nwims__V1__SensorSelection filter = NWIMS__V1__SENSOR_SELECTION__INIT;
    request.n_ids = 0;
    request.filter = &filter;
    set.name = text_of("seen again");
    expect_counts(bulk(&caller, "UpdateSensors", &request), 0, 2, 0, 0);
    /* Nothing is put outside, moved outside, taken from outside or told of what is there. */
    Nwims__V1__ImportRowsRequest rows = rows_of("sensors",
        "code,kind,zone,municipality_id\nN-3,flow,N-ZONE,\nS-3,flow,S-ZONE,\nX-3,flow,,\nS-1,level,,\nN-1,,S-ZONE,\n",
        &options);
    job = bulk(&caller, "ImportRows", &rows);
    expect_counts(job, 1, 0, 0, 4);
    assert_string_equal(job->items[1]->reason, "there is no zone with the code S-ZONE");
    assert_string_equal(job->items[4]->reason, "there is no zone with the code S-ZONE");
    assert_int_equal(count_as("nwims_registry", TENANT,
                         "SELECT count(*) FROM sensor WHERE name IS NOT NULL AND code NOT LIKE 'N-%'"),
        0);
}

static void it_takes_the_permission_for_many_not_for_one(void **state)
{
    (void)state;
    struct rpc_caller caller = caller_of(TENANT, "sensors:write devices:write assets:write");
    static const char *const what[] = { "sensors", "devices", "assets" };
    for (size_t i = 0; i < COUNT_OF(what); i++) {
        ProtobufCMessage *reply;
        Nwims__V1__ImportRowsRequest rows = rows_of(what[i], "code,kind\nA,flow\n", NULL);
        if (i == 1)
            rows = rows_of(what[i], "code,protocol\nA,http\n", NULL);
        assert_int_equal(bulk_as(&caller, "ImportRows", &rows, &reply), ERR_DENIED);
    }
}

/* ---- new ones are made together ---- */
static void new_ones_are_made_together_and_a_code_that_comes_again_changes_the_first(void **state)
{
    (void)state;
    struct rpc_caller root = caller_of(OTHER, "*:*");
    Nwims__V1__ImportRowsRequest rows = rows_of("sensors",
        "code,kind,name,range_min,range_max,is_household,period_s\nTG-1,flow,\"a \"\"b\"\", {c}\",-0.1,1e300,true,60\n"
        "TG-2,level,,,,,\nTG-1,flow,again,,,,\nTG-3,flow,,,,,\nTG-2,level,,,,,\n",
        NULL);
    Nwims__V1__Job *job = bulk(&root, "ImportRows", &rows);
    expect_counts(job, 3, 1, 1, 0);
    expect_event("events.12.sensor", job->items[0]->id, "created", "TG-1", NULL);
    assert_string_equal(job->items[2]->id, job->items[0]->id);
    assert_string_equal(job->items[2]->outcome, "updated");
    assert_string_equal(job->items[4]->outcome, "unchanged");
    assert_int_equal(count_as("nwims_registry", OTHER,
                         "SELECT count(*) FROM sensor WHERE code = 'TG-1' AND name = 'again' AND range_min = -0.1 AND "
                         "range_max = 1e300 AND is_household AND period_s = 60 AND unit IS NOT NULL"),
        1);
}

static void a_bad_one_among_those_made_together_is_found_and_the_others_are_made(void **state)
{
    (void)state;
    struct rpc_caller root = caller_of(OTHER, "*:*");
    Nwims__V1__BulkOptions options = skipping();
    Nwims__V1__ImportRowsRequest rows = rows_of("sensors",
        "code,kind,range_min,range_max,device_id\nBAD-1,flow,0,1,\nBAD-2,flow,5,1,\n"
        "BAD-3,flow,,,01912345-6789-7abc-8def-0123456789ab\nBAD-4,level,,,\n",
        &options);
    Nwims__V1__Job *job = bulk(&root, "ImportRows", &rows);
    expect_counts(job, 2, 0, 0, 2);
    assert_string_equal(job->items[1]->field, "range_max");
    assert_string_equal(job->items[2]->field, "device_id");
    assert_string_equal(job->items[3]->outcome, "created");
    expect_event("events.12.sensor", job->items[3]->id, "created", "BAD-4", NULL);
    options.on_error = text_of("abort");
    rows = rows_of("sensors", "code,kind,range_min,range_max\nBAD-5,flow,,\nBAD-6,flow,2,2\n", &options);
    job = bulk(&root, "ImportRows", &rows);
    expect_counts(job, 0, 0, 0, 1);
    assert_int_equal(count_as("nwims_registry", OTHER, "SELECT count(*) FROM sensor WHERE code LIKE 'BAD-%'"), 2);
}

/* ---- one at a time tells of its changes ---- */
static void every_change_is_told_and_one_record_has_the_counts(void **state)
{
    (void)state;
    struct rpc_caller root = caller_of(OTHER, "*:*");
    Nwims__V1__ImportRowsRequest rows = rows_of("devices", "code,protocol\nTOLD-1,http\nTOLD-2,mqtt\n", NULL);
    Nwims__V1__Job *job = bulk(&root, "ImportRows", &rows);
    for (size_t i = 0; i < job->n_items; i++)
        expect_event("events.12.device", job->items[i]->id, "created", job->items[i]->code, NULL);
    expect_audit(OTHER, "devices.import", job->id,
        "{\"items\":2,\"created\":2,\"updated\":0,\"unchanged\":0,\"failed\":0,\"on_error\":\"abort\",\"dry_run\":"
        "false}");
    assert_int_equal(count_audits(job->items[0]->id), 0);
}

/* ---- jobs that were left behind ---- */
/* ---- tables that were small ---- */
static int64_t of_devices(const char *counter)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT %s FROM pg_stat_user_tables WHERE relid = 'registry.device'::regclass", counter);
    return count_as("nwims_registry", OTHER, sql);
}

/* Of devices that are called PREFIX-0 and so on. */
static void import_with_tokens(const char *prefix, int count)
{
    AUTO_INPLACE(buffer) text = { 0 };
    struct rpc_caller root = caller_of(OTHER, "*:*");
    Nwims__V1__BulkOptions options = skipping();
    options.has_tokens = options.tokens = true;
    buffer_put_text(&text, "code,protocol\n");
    for (int i = 0; i < count; i++)
        buffer_printf(&text, "%s-%d,http\n", prefix, i);
    assert_true(buffer_ok(&text));
    Nwims__V1__ImportRowsRequest request = rows_of("devices", text.data, &options);
    expect_counts(bulk(&root, "ImportRows", &request), count, 0, 0, 0);
}

/* Each connection of the service plans its checks of foreign keys while a scan of the table is the best way. */
static void many_devices_with_tokens_into_a_small_table_are_not_looked_for_row_by_row(void **state)
{
    (void)state;
    enum { FEW = 10, AT_ONCE = 1000 };
    import_with_tokens("FEW", FEW);
    run("nwims_registry_owner", "ANALYZE registry.device");
    for (int i = 0; i < 8; i++) {
        char prefix[24];
        snprintf(prefix, sizeof prefix, "AGAIN%d", i);
        import_with_tokens(prefix, 2);
    }
    int64_t before = of_devices("n_tup_ins"), read_before = of_devices("seq_tup_read");
    import_with_tokens("MANY", AT_ONCE);
    for (int i = 0; i < 1500 && of_devices("n_tup_ins") < before + AT_ONCE; i++)
        clock_sleep_ms(20); /* a connection tells what it did when it has been idle for ten seconds */
    assert_true(of_devices("n_tup_ins") >= before + AT_ONCE);
    int64_t read = of_devices("seq_tup_read") - read_before;
    if (read > 50 * AT_ONCE)
        fail_msg("%lld devices were read in scans for %d new ones", (long long)read, AT_ONCE);
}

static const char *wait_for_end(const struct rpc_caller *caller, const char *id, Nwims__V1__Job **out_job)
{
    Nwims__V1__ById request = by_id(id);
    for (int i = 0; i < 1500; i++) {
        *out_job = bulk(caller, "GetJob", &request);
        if (strcmp((*out_job)->state, "queued") != 0 && strcmp((*out_job)->state, "running") != 0)
            return (*out_job)->state;
        clock_sleep_ms(20);
    }
    fail_msg("the job %s does not end: %s", id, (*out_job)->state);
    return NULL;
}

/* As a runner leaves it that is killed: leased, so far at work, its lease over. */
static void leave_job(const char *id, bool skips_bad, int position)
{
    char *ids[] = { text_of("N-1"), text_of("N-2"), text_of("S-1"), text_of("S-2") };
    Nwims__V1__SensorRecord set = NWIMS__V1__SENSOR_RECORD__INIT;
    Nwims__V1__UpdateSensorsRequest request = NWIMS__V1__UPDATE_SENSORS_REQUEST__INIT;
    AUTO_INPLACE(buffer) bytes = { 0 };
    struct err err = { 0 };
    char *hex = arena_alloc(&arena, 2048);
    char *sql = arena_alloc(&arena, 4096);
    set.name = text_of(skips_bad ? "in steps" : "at once");
    request.set = &set;
    request.n_ids = COUNT_OF(ids);
    request.ids = ids;
    must(wire_encode(&bytes, &request.base, &err), &err);
    for (size_t i = 0; i < bytes.size; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)bytes.data[i]);
    snprintf(sql, 4096,
        "INSERT INTO registry.job (tenant_id, id, kind, state, is_dry_run, skips_bad, total, position, done, updated, "
        "request, actor, permissions, scope, request_id, traceparent, attempt, lease_until, started_at) VALUES (%d, "
        "'%s', "
        "'sensors.update', 'running', false, %s, 4, %d, %d, %d, decode('%s', 'hex'), 'tester', 'sensors:bulk', '', "
        "'r-9', "
        "'', 3, now() - interval '1 second', now())",
        (int)TENANT, id, skips_bad ? "true" : "false", position, position, position, hex);
    run("nwims_registry_owner", sql);
}

static void a_job_in_steps_goes_on_behind_its_last_step(void **state)
{
    (void)state;
    static const char id[] = "01900000-0000-7000-8000-000000000001";
    struct rpc_caller root = caller_of(TENANT, "*:*");
    Nwims__V1__Job *job;
    leave_job(id, true, 2);
    assert_string_equal(wait_for_end(&root, "registry-01900000-0000-7000-8000-000000000001", &job), "done");
    assert_int_equal(job->done, 4);
    expect_counts(job, 0, 4, 0, 0);
    assert_int_equal(count_as("nwims_registry", TENANT, "SELECT count(*) FROM sensor WHERE name = 'in steps'"), 2);
    assert_int_equal(count_as("nwims_registry", TENANT,
                         "SELECT count(*) FROM sensor WHERE name = 'in steps' AND code IN ('S-1', 'S-2')"),
        2);
}

static void a_job_that_is_one_transaction_begins_anew(void **state)
{
    (void)state;
    static const char id[] = "01900000-0000-7000-8000-000000000002";
    struct rpc_caller root = caller_of(TENANT, "*:*");
    Nwims__V1__Job *job;
    leave_job(id, false, 2);
    assert_string_equal(wait_for_end(&root, "registry-01900000-0000-7000-8000-000000000002", &job), "done");
    expect_counts(job, 0, 4, 0, 0);
    assert_int_equal(count_as("nwims_registry", TENANT, "SELECT count(*) FROM sensor WHERE name = 'at once'"), 4);
}

static void a_job_is_for_whoever_asked_and_for_those_who_see_all(void **state)
{
    (void)state;
    Nwims__V1__ById request = by_id("registry-01900000-0000-7000-8000-000000000001");
    struct rpc_caller somebody = caller_of(TENANT, "sensors:bulk"), auditor = caller_of(TENANT, "batch:read"),
                      stranger = caller_of(OTHER, "*:*");
    ProtobufCMessage *reply;
    snprintf(somebody.actor, sizeof somebody.actor, "somebody else");
    snprintf(auditor.actor, sizeof auditor.actor, "somebody else");
    assert_int_equal(bulk_as(&somebody, "GetJob", &request, &reply), ERR_NOT_FOUND);
    assert_int_equal(bulk_as(&somebody, "CancelJob", &request, &reply), ERR_NOT_FOUND);
    assert_int_equal(bulk_as(&stranger, "GetJob", &request, &reply), ERR_NOT_FOUND);
    assert_int_equal(bulk_as(&auditor, "GetJob", &request, &reply), ERR_NONE);
    assert_int_equal(count_as("nwims_registry", OTHER, "SELECT count(*) FROM job WHERE tenant_id = 11"), 0);
    assert_int_equal(count_as("nwims_registry", OTHER, "SELECT count(*) FROM job_failure WHERE tenant_id = 11"), 0);
    assert_true(count_as("nwims_registry", TENANT, "SELECT count(*) FROM job_failure") > 0);
}

static void what_is_over_for_seven_days_goes(void **state)
{
    (void)state;
    run("nwims_registry_owner", "UPDATE registry.job SET finished_at = now() - interval '8 days' WHERE tenant_id = 11");
    run("nwims_registry", "SELECT registry.purge_jobs(1000)");
    assert_int_equal(count_as("nwims_registry_owner", TENANT, "SELECT count(*) FROM job WHERE tenant_id = 11"), 0);
    assert_int_equal(
        count_as("nwims_registry_owner", TENANT, "SELECT count(*) FROM job_failure WHERE tenant_id = 11"), 0);
}

/* ---- what the library promises, with a runner of our own ---- */
static struct store *runner_store;
static atomic_int stolen, ran;

static bool work_in_steps(void *context, struct job *job, struct err *err)
{
    struct job_counts counts = job->counts;
    (void)context;
    if (job->position == 0 && !job_restart(job, 5, NULL, err))
        return false;
    while (job->position < 5 && !job_must_stop(job)) {
        counts.done++;
        counts.updated++;
        if (!job_step(job, NULL, job->position + 1, &counts, NULL, 0, err))
            return false;
        if (job->position == 3 && atomic_fetch_add(&ran, 1) == 0)
            return err_set(err, ERR_TRANSIENT, "something is away for a moment");
    }
    return job_must_stop(job) || job_finish(job, NULL, "done", NULL, err);
}

/* Another runner has taken the job over while this one was slow. */
static bool be_robbed(void *context, struct job *job, struct err *err)
{
    const struct job_counts counts = { .done = 1, .updated = 1 };
    AUTO(store_session) session = NULL;
    (void)context;
    if (atomic_fetch_add(&stolen, 1) > 0)
        return job_finish(job, NULL, "done", NULL, err);
    run("nwims_registry_owner", "UPDATE registry.job SET attempt = attempt + 1, lease_until = now() - interval '1 s' "
                                "WHERE kind = 'test.robbed'");
    must(store_session_open(&session, runner_store, err) && store_begin(session, job->caller.tenant_id, err), err);
    assert_false(job_step(job, session, 1, &counts, NULL, 0, err));
    assert_int_equal(err->kind, ERR_CONFLICT);
    struct err again = { 0 };
    assert_false(job_finish(job, session, "done", NULL, &again));
    assert_int_equal(again.kind, ERR_CONFLICT);
    return false;
}

static void new_job(const char *kind, char id[UUID_TEXT_SIZE])
{
    AUTO(store_session) session = NULL;
    struct err err = { 0 };
    struct rpc_caller caller = caller_of(OTHER, "");
    const struct job_order order = { .kind = kind, .skips_bad = true, .total = -1 };
    must(store_session_open(&session, runner_store, &err) && store_begin(session, OTHER, &err) &&
             job_create(session, &caller, &order, id, &err) && store_commit(session, &err),
        &err);
}

static void expect_job(const char *id, const char *state, int64_t done)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM job WHERE id = '%s' AND state = '%s' AND done = %lld", id, state,
        (long long)done);
    for (int i = 0; i < 1500; i++) {
        if (count_as("nwims_registry", OTHER, sql) == 1)
            return;
        clock_sleep_ms(20);
    }
    fail_msg("the job %s is not %s", id, state);
}

static void whoever_lost_the_lease_commits_nothing_and_what_failed_is_tried_again(void **state)
{
    (void)state;
    static const struct job_kind kinds[] = { { "test.steps", work_in_steps }, { "test.robbed", be_robbed }, { 0 } };
    char steps[UUID_TEXT_SIZE], robbed[UUID_TEXT_SIZE];
    struct job_runner *runner = NULL;
    struct err err = { 0 };
    test_process_end(service, SIGTERM); /* whose runner would take ours */
    runner_store = open_as("nwims_registry", "registry");
    const struct job_runner_config config = { .store = runner_store, .kinds = kinds, .lease_ms = 10000 };
    new_job("test.steps", steps);
    new_job("test.robbed", robbed);
    must(job_runner_start(&runner, &config, &err), &err);
    expect_job(steps, "done", 5);
    expect_job(robbed, "done", 0);
    assert_int_equal(atomic_load(&stolen), 2);
    assert_int_equal(atomic_load(&ran) > 0, 1);
    job_runner_stop(runner);
}

static void a_tenant_has_no_more_open_than_its_share(void **state)
{
    (void)state;
    char id[UUID_TEXT_SIZE];
    AUTO(store_session) session = NULL;
    struct err err = { 0 };
    struct rpc_caller caller = caller_of(OTHER, "");
    const struct job_order order = { .kind = "test.idle", .total = -1 };
    for (int i = 0; i < JOB_MOST_OPEN; i++)
        new_job("test.idle", id);
    must(store_session_open(&session, runner_store, &err) && store_begin(session, OTHER, &err), &err);
    assert_false(job_create(session, &caller, &order, id, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    check_forgotten_tenant(20, 1);
}

static int stop_all(void **state)
{
    (void)state;
    store_close(runner_store);
    bus_subscription_close(subscription);
    bus_subscription_close(audit_subscription);
    bus_close(bus);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_permission_for_a_part_reaches_that_part_only),
        cmocka_unit_test(it_takes_the_permission_for_many_not_for_one),
        cmocka_unit_test(new_ones_are_made_together_and_a_code_that_comes_again_changes_the_first),
        cmocka_unit_test(a_bad_one_among_those_made_together_is_found_and_the_others_are_made),
        cmocka_unit_test(every_change_is_told_and_one_record_has_the_counts),
        cmocka_unit_test(many_devices_with_tokens_into_a_small_table_are_not_looked_for_row_by_row),
        cmocka_unit_test(a_job_in_steps_goes_on_behind_its_last_step),
        cmocka_unit_test(a_job_that_is_one_transaction_begins_anew),
        cmocka_unit_test(a_job_is_for_whoever_asked_and_for_those_who_see_all),
        cmocka_unit_test(what_is_over_for_seven_days_goes),
        cmocka_unit_test(whoever_lost_the_lease_commits_nothing_and_what_failed_is_tried_again),
        cmocka_unit_test(a_tenant_has_no_more_open_than_its_share),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
