/* Lists of many sensors: what a page reads does not depend on how many there are, nor on how far down it is, for every
 * sort and every filter. NWIMS_SENSORS says how many are made (make million-sensors: 1,000,000; then times are compared
 * too). */
#include "tests/integration/registry_stack.h"

enum { TENANT = 1, FEW = 20000, MOST_READ_FOR_A_ROW = 4, ROUNDS = 31 };

static int64_t sensor_count;

/* A tenth of them have no name, a hundredth are disabled, a thousandth belongs to one site. */
static void make_sensors(void)
{
    char sql[4096];
    snprintf(sql, sizeof sql,
        "SET search_path = registry; SET session_replication_role = replica;" /* no triggers: located_in is given */
        "INSERT INTO municipality (tenant_id, id, code, name) SELECT %d, ('00000000-0000-7000-8000-' || lpad(m::text, "
        "12, '0'))::uuid, 'M-' || m, 'Town ' || m FROM generate_series(1, 10) m;"
        "INSERT INTO site (tenant_id, id, code, name) SELECT %d, ('00000000-0000-7000-8001-' || lpad(m::text, 12, "
        "'0'))::uuid, 'SITE-' || m, 'x' FROM generate_series(1, 1000) m;"
        "INSERT INTO sensor (tenant_id, id, code, name, kind, unit, state, located_in, municipality_id, site_id, "
        "created_at) SELECT %d, gen_random_uuid(), 'S-' || lpad(n::text, 7, '0'), CASE WHEN n %% 10 > 0 THEN 'name ' "
        "|| n %% 5000 END, CASE n %% 3 WHEN 0 THEN 'pressure' WHEN 1 THEN 'flow' ELSE 'level' END, 'bar', CASE WHEN n "
        "%% 100 = 0 THEN 'disabled' ELSE 'active' END, ('00000000-0000-7000-8000-' || lpad((n %% 10 + 1)::text, 12, "
        "'0'))::uuid, ('00000000-0000-7000-8000-' || lpad((n %% 10 + 1)::text, 12, '0'))::uuid, "
        "('00000000-0000-7000-8001-' || lpad((n %% 1000 + 1)::text, 12, '0'))::uuid, '2026-01-01'::timestamptz + n %% "
        "1000 * interval '1 s' FROM generate_series(1, %lld) n;"
        "ANALYZE sensor; ANALYZE municipality; ANALYZE site",
        TENANT, TENANT, TENANT, (long long)sensor_count);
    struct err err = { 0 };
    char url[128];
    AUTO(store) store = NULL;
    AUTO(store_session) session = NULL;
    snprintf(url, sizeof url, "postgresql://postgres@127.0.0.1:%d/postgres", postgres.port);
    const struct store_config config = {
        .url = url, .schema = "registry", .name = "fill", .pool_size = 1, .wait_ms = 1000
    };
    must(store_open(&store, &config, &err) && store_session_open(&session, store, &err) &&
             store_script(session, sql, &err),
        &err);
}

static int start_with_many(void **state)
{
    const char *wanted = getenv("NWIMS_SENSORS");
    sensor_count = wanted ? atoll(wanted) : FEW;
    setenv("DATABASE_POOL", "1", 1);
    start(state);
    make_sensors();
    return 0;
}

static Nwims__V1__ListSensorsRequest page_of(const char *sort, int32_t limit)
{
    Nwims__V1__ListSensorsRequest request = NWIMS__V1__LIST_SENSORS_REQUEST__INIT;
    request.has_limit = true;
    request.limit = limit;
    request.sort = sort ? text_of(sort) : NULL;
    return request;
}

/* Rows that the service's one session has read from the table so far. It tells once a second at most, at the end of a
 * transaction. */
static int64_t rows_read(void)
{
    Nwims__V1__ListSensorsRequest poke = page_of(NULL, 1);
    clock_sleep_ms(1100);
    poke.code_prefix = text_of("no such");
    call(TENANT, "ListSensors", &poke);
    return count_as("postgres", 0,
        "SELECT (seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname = 'sensor'");
}

/* The cursor behind so many. */
static char *walk(const char *sort, int64_t many)
{
    Nwims__V1__ListSensorsRequest request = page_of(sort, 1000);
    static char cursor[512];
    for (int64_t seen = 0; seen < many; seen += 1000) {
        arena_reset(&arena);
        request = page_of(sort, 1000);
        request.cursor = seen > 0 ? cursor : NULL;
        Nwims__V1__ListSensorsReply *reply = call(TENANT, "ListSensors", &request);
        assert_int_equal(reply->n_items, 1000);
        assert_non_null(reply->next_cursor);
        snprintf(cursor, sizeof cursor, "%s", reply->next_cursor);
    }
    return cursor;
}

static const char *const sorts[] = { "code", "-code", "name", "-name", "created_at", "-created_at" };

static void expect_few_reads(const char *what, int64_t before, int64_t rows)
{
    int64_t read = rows_read() - before;
    if (read > rows * MOST_READ_FOR_A_ROW)
        fail_msg("%s: %lld rows read for %lld", what, (long long)read, (long long)rows);
}

static void a_deep_page_reads_no_more_than_the_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sorts); i++) {
        char *deep = walk(sorts[i], sensor_count - 2000);
        int64_t before = rows_read();
        Nwims__V1__ListSensorsRequest request = page_of(sorts[i], 100);
        for (int k = 0; k < 10; k++) { /* beyond five a plan for all values may be taken */
            request.cursor = deep;
            assert_int_equal(((Nwims__V1__ListSensorsReply *)call(TENANT, "ListSensors", &request))->n_items, 100);
        }
        expect_few_reads(sorts[i], before, 10 * 101);
    }
}

static void every_filter_has_its_index(void **state)
{
    (void)state;
    static char town[] = "00000000-0000-7000-8000-000000000003", site[] = "00000000-0000-7000-8001-000000000007";
    static const struct {
        const char *what, *kind, *state, *prefix, *sort;
        char *municipality_id, *site_id;
    } cases[] = { { "kind", "flow", NULL, NULL, NULL, NULL, NULL },
        { "state", NULL, "disabled", NULL, NULL, NULL, NULL }, { "prefix", NULL, NULL, "S-0001", "-code", NULL, NULL },
        { "municipality", NULL, NULL, NULL, NULL, town, NULL }, { "site", NULL, NULL, NULL, NULL, NULL, site },
        { "municipality, backwards", NULL, NULL, NULL, "-code", town, NULL } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        arena_reset(&arena);
        int64_t before = rows_read(), rows = 0;
        for (int k = 0; k < 10; k++) {
            Nwims__V1__ListSensorsRequest request = page_of(cases[i].sort, 100);
            request.kind = cases[i].kind ? text_of(cases[i].kind) : NULL;
            request.state = cases[i].state ? text_of(cases[i].state) : NULL;
            request.code_prefix = cases[i].prefix ? text_of(cases[i].prefix) : NULL;
            request.municipality_id = cases[i].municipality_id;
            request.site_id = cases[i].site_id;
            size_t items = ((Nwims__V1__ListSensorsReply *)call(TENANT, "ListSensors", &request))->n_items;
            assert_true(items > 0);
            rows += (int64_t)items + 1;
        }
        expect_few_reads(cases[i].what, before, rows);
    }
}

/* ---- times, of so many that they tell something ---- */
static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int64_t median_us(const char *sort, char *cursor)
{
    int64_t took[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        Nwims__V1__ListSensorsRequest request = page_of(sort, 100);
        request.cursor = cursor;
        int64_t began = clock_monotonic_us();
        call(TENANT, "ListSensors", &request);
        took[i] = clock_monotonic_us() - began;
    }
    qsort(took, ROUNDS, sizeof took[0], by_size);
    return took[ROUNDS / 2];
}

static void a_deep_page_takes_as_long_as_the_first(void **state)
{
    (void)state;
    if (sensor_count < 1000000)
        skip(); /* make million-sensors */
    for (size_t i = 0; i < COUNT_OF(sorts); i++) {
        char *deep = walk(sorts[i], sensor_count - 1000);
        int64_t first = median_us(sorts[i], NULL), last = median_us(sorts[i], deep);
        printf("%-12s first page %lld us, page %lld %lld us\n", sorts[i], (long long)first,
            (long long)(sensor_count / 100 - 10), (long long)last);
        assert_true(last <= 2 * first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deep_page_reads_no_more_than_the_first),
        cmocka_unit_test(every_filter_has_its_index),
        cmocka_unit_test(a_deep_page_takes_as_long_as_the_first),
    };
    return cmocka_run_group_tests(tests, start_with_many, stop);
}
