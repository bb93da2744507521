/* What jobs decide without a database: whose id is whose, and when to stop. What they keep is tested on a real one in
 * tests/integration/registry_bulk_test.c. */
#include "jobs/job_runner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char uuid[] = "01912345-6789-7abc-8def-0123456789ab";

static void an_id_shows_its_owner(void **state)
{
    char id[JOB_ID_SIZE];
    (void)state;
    job_id_show(id, "registry", uuid);
    assert_string_equal(id, "registry-01912345-6789-7abc-8def-0123456789ab");
    job_id_show(id, "an-owner-whose-name-is-much-too-long", uuid);
    assert_true(strlen(id) < JOB_ID_SIZE);
    assert_string_equal(id + strlen(id) - strlen(uuid), uuid);
}

/* There is no session: an id that is none of this owner's must not reach the database. */
static void what_is_no_id_of_this_owner_is_not_there(void **state)
{
    static const char *const ids[] = { "", "registry", "registry-", "registry-x", "registry-01912345",
        "alerting-01912345-6789-7abc-8def-0123456789ab", "registry01912345-6789-7abc-8def-0123456789ab",
        "01912345-6789-7abc-8def-0123456789ab", "registry-01912345-6789-7abc-8def-0123456789ab-more",
        "registry-' OR true --", NULL };
    const struct job_reader reader = { .tenant_id = 1, .owner = "registry" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        Nwims__V1__Job job = NWIMS__V1__JOB__INIT;
        Nwims__V1__ListJobFailuresRequest failures = NWIMS__V1__LIST_JOB_FAILURES_REQUEST__INIT;
        Nwims__V1__JobFailures reply = NWIMS__V1__JOB_FAILURES__INIT;
        struct arena arena;
        struct err err = { 0 };
        arena_init(&arena, 1000);
        assert_false(job_get(NULL, &reader, ids[i], &arena, &job, &err));
        assert_int_equal(err.kind, ERR_NOT_FOUND);
        err = (struct err){ 0 };
        assert_false(job_cancel(NULL, &reader, ids[i], &err));
        assert_int_equal(err.kind, ERR_NOT_FOUND);
        err = (struct err){ 0 };
        failures.id = (char *)(uintptr_t)ids[i];
        assert_false(job_list_failures(NULL, &reader, &failures, &arena, &reply, &err));
        assert_int_equal(err.kind, ERR_NOT_FOUND);
        arena_done(&arena);
    }
}

static void a_cursor_of_another_list_is_refused(void **state)
{
    Nwims__V1__ListJobsRequest request = NWIMS__V1__LIST_JOBS_REQUEST__INIT;
    Nwims__V1__ListJobsReply reply = NWIMS__V1__LIST_JOBS_REPLY__INIT;
    const struct job_reader reader = { .tenant_id = 1, .owner = "registry" };
    struct arena arena;
    struct err err = { 0 };
    char cursor[] = "alerting-01912345-6789-7abc-8def-0123456789ab";
    (void)state;
    arena_init(&arena, 1000);
    request.cursor = cursor;
    assert_false(job_list(NULL, &reader, &request, &arena, &reply, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    arena_done(&arena);
}

static void a_job_stops_when_it_is_cancelled_or_the_process_ends(void **state)
{
    atomic_bool must_stop = false;
    struct job job = { .must_stop = &must_stop };
    (void)state;
    assert_false(job_must_stop(&job));
    job.is_cancelled = true;
    assert_true(job_must_stop(&job));
    job.is_cancelled = false;
    atomic_store(&must_stop, true);
    assert_true(job_must_stop(&job));
}

static void nobody_is_woken_and_stopped_without_harm(void **state)
{
    (void)state;
    job_runner_wake(NULL);
    job_runner_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_shows_its_owner),
        cmocka_unit_test(what_is_no_id_of_this_owner_is_not_there),
        cmocka_unit_test(a_cursor_of_another_list_is_refused),
        cmocka_unit_test(a_job_stops_when_it_is_cancelled_or_the_process_ends),
        cmocka_unit_test(nobody_is_woken_and_stopped_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
