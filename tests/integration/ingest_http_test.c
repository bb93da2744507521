/* ingest-http as a process, on a real NATS, driven over HTTP as devices do. */
#include "tests/integration/ingest_stack.h"

#include "http/http_client.h"
#include <sys/wait.h>

static struct stack stack;
static struct http_client *client;
static struct bus_consumer *readings_consumer, *refused_consumer;
static struct buffer answer;
static pid_t service;
static int port;
static struct err err;

static void start_service(void)
{
    char program[512], address[64], admin[64];
    const char *folder = getenv("NWIMS_BIN");
    port = test_free_port();
    snprintf(program, sizeof program, "%s/ingest-http", folder ? folder : "build/debug/bin");
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    snprintf(admin, sizeof admin, "127.0.0.1:%d", test_free_port());
    setenv("NATS_URL", stack.nats.url, 1);
    setenv("HTTP_ADDRESS", address, 1);
    setenv("ADMIN_ADDRESS", admin, 1);
    setenv("DRAIN_DELAY_MS", "0", 1);
    setenv("BODY_MAX_BYTES", "64k", 1);
    setenv("BODIES_MAX_BYTES", "1m", 1);
    setenv("FAILURES_A_MINUTE", "5", 1);
    const char *argv[] = { program, NULL };
    service = test_process_start(stack.nats.folder, "ingest-http", argv);
    test_wait_for_port(port);
}

static int start(void **state)
{
    (void)state;
    stack_start(&stack);
    readings_consumer = stack_consumer(&stack, "READINGS", "test-readings");
    refused_consumer = stack_consumer(&stack, "REFUSED", "test-refused");
    must(http_client_open(&client, &err), &err);
    start_service();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_client_close(client);
    bus_consumer_close(readings_consumer);
    bus_consumer_close(refused_consumer);
    buffer_done(&answer);
    stack_stop(&stack);
    return 0;
}

static int call(const char *method, const char *path, const char *const headers[], const void *body, size_t size)
{
    char url[128];
    int status = 0;
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    buffer_reset(&answer);
    err = (struct err){ 0 };
    must(http_client_call(client,
             &(struct http_call){
                 .method = method, .url = url, .headers = headers, .body = body, .size = size, .timeout_ms = 10000 },
             &status, &answer, &err),
        &err);
    return status;
}

#define AUTHORIZATION "Authorization: Bearer " STACK_TOKEN
static int post(const char *body)
{
    static const char *const headers[] = { AUTHORIZATION, "Content-Type: application/json", NULL };
    return call("POST", "/ingest/v1/readings", headers, body, strlen(body));
}

static void answer_has(const char *text)
{
    if (!answer.data || !strstr(answer.data, text))
        fail_msg("%s is not in: %s", text, answer.data ? answer.data : "");
}

static void there_is_a_time_to_come_again(void)
{
    const char *seconds = http_client_header(client, "Retry-After");
    assert_non_null(seconds);
    assert_in_range(atoi(seconds), 1, 8);
}

static const Nwims__V1__ReadingBatch *next_batch(void)
{
    return (const Nwims__V1__ReadingBatch *)stack_next(
        &stack, readings_consumer, &nwims__v1__reading_batch__descriptor, NULL);
}

static const Nwims__V1__Refused *next_refused(void)
{
    return (const Nwims__V1__Refused *)stack_next(&stack, refused_consumer, &nwims__v1__refused__descriptor, NULL);
}

static void readings_are_accepted_when_the_stream_has_them(void **state)
{
    (void)state;
    assert_int_equal(
        post("[{\"sensor_id\":\"P1\",\"value\":3.5,\"unit\":\"bar\"},{\"sensor_id\":\"F1\",\"value\":1}]"), 202);
    answer_has("\"accepted\":2,\"refused\":0,\"rejected\":[]");
    answer_has("\"batch_id\":\"");
    const Nwims__V1__ReadingBatch *batch = next_batch();
    assert_int_equal(batch->n_value, 2);
    assert_string_equal(batch->provenance->device_id, STACK_DEVICE);
    assert_string_equal(batch->provenance->peer, "127.0.0.1");
    assert_string_equal(batch->provenance->protocol, "http");
}

static void every_way_to_name_the_token_and_the_path_is_taken(void **state)
{
    static const char *const headers[] = { "Authorization: device " STACK_TOKEN,
        "Content-Type: application/json; charset=utf-8", "X-Forwarded-For: 203.0.113.9, 198.51.100.7", NULL };
    static const char body[] = "{\"readings\":[{\"sensor_id\":\"P1\",\"value\":3.5}]}";
    (void)state;
    assert_int_equal(call("POST", "/ingest/v1/batch", headers, body, sizeof body - 1), 202);
    assert_string_equal(
        next_batch()->provenance->peer, "198.51.100.7"); /* what the proxy said, not what the caller made it say */
}

static void senml_is_taken(void **state)
{
    static const char *const headers[] = { AUTHORIZATION, "Content-Type: application/senml+json", NULL };
    static const char body[] = "[{\"bn\":\"P\",\"n\":\"1\",\"u\":\"Pa\",\"v\":412000,\"t\":-60}]";
    (void)state;
    assert_int_equal(call("POST", "/ingest/v1/readings", headers, body, sizeof body - 1), 202);
    const Nwims__V1__ReadingBatch *batch = next_batch();
    assert_true(batch->value[0] == 4.12);
    assert_string_equal(batch->provenance->codec, "senml-json");
    assert_in_range(batch->received_at - batch->base_at, 60000000, 61000000);
}

static void bad_readings_are_told_beside_good_ones(void **state)
{
    (void)state;
    assert_int_equal(post("[{\"sensor_id\":\"P1\",\"value\":1},5,{\"sensor_id\":\"NONE\",\"value\":1}]"), 202);
    answer_has("\"accepted\":1,\"refused\":2");
    answer_has("{\"index\":1,\"field\":\"reading\",\"reason\":\"malformed\",\"detail\":\"a reading is an object");
    answer_has("{\"index\":2,\"field\":\"sensor_id\",\"reason\":\"unknown_sensor\",\"detail\":\"there is no sensor");
    assert_int_equal(next_batch()->n_value, 1);
    assert_non_null(next_refused());
    assert_non_null(next_refused());
}

static void only_bad_readings_are_a_problem(void **state)
{
    (void)state;
    assert_int_equal(post("[{\"sensor_id\":\"NONE\",\"value\":1},{\"sensor_id\":\"THEIRS\",\"value\":1}]"), 422);
    assert_string_equal(http_client_header(client, "Content-Type"), "application/problem+json");
    answer_has("\"type\":\"urn:nwims:problem:bad-readings\"");
    answer_has("\"index\":0");
    answer_has("\"code\":\"foreign_sensor\"");
    assert_non_null(next_refused());
    assert_non_null(next_refused());
    assert_int_equal(post("[]"), 422);
}

static void a_malformed_body_is_refused_and_kept(void **state)
{
    (void)state;
    assert_int_equal(post("[{\"sensor_id\":\"P1\" \"value\":1}]"), 400);
    answer_has("malformed JSON at byte 19: expected , or }");
    const Nwims__V1__Refused *refused = next_refused();
    assert_string_equal(refused->reason, "malformed");
    assert_int_equal(refused->raw.len, 30);
    assert_string_equal(refused->provenance->device_id, STACK_DEVICE);
}

static void other_forms_and_large_bodies_are_refused(void **state)
{
    static const char *const xml[] = { AUTHORIZATION, "Content-Type: application/xml", NULL };
    static const char *const brotli[] = { AUTHORIZATION, "Content-Type: application/json", "Content-Encoding: br",
        NULL };
    char *large = malloc(65537);
    (void)state;
    assert_int_equal(call("POST", "/ingest/v1/readings", xml, "<a/>", 4), 415);
    assert_int_equal(call("POST", "/ingest/v1/readings", brotli, "[]", 2), 415);
    memset(large, ' ', 65537);
    static const char *const json[] = { AUTHORIZATION, "Content-Type: application/json", NULL };
    static const char *const chunked[] = { AUTHORIZATION, "Content-Type: application/json",
        "Transfer-Encoding: chunked", NULL };
    assert_int_equal(call("POST", "/ingest/v1/readings", json, large, 65537), 413);
    answer_has("larger than 65536 bytes");
    assert_int_equal(call("POST", "/ingest/v1/readings", chunked, large, 65537), 413);
    assert_int_equal(call("POST", "/ingest/v1/readings", json, large, 65536), 400);
    assert_non_null(next_refused());
    free(large);
}

static void paths_and_methods_are_checked(void **state)
{
    (void)state;
    assert_int_equal(call("GET", "/time", NULL, NULL, 0), 200);
    answer_has("{\"time\":\"20");
    answer_has("\"unix_ms\":1");
    assert_int_equal(call("GET", "/", NULL, NULL, 0), 404);
    assert_int_equal(call("GET", "/ingest/v1/readings", NULL, NULL, 0), 405);
    assert_string_equal(http_client_header(client, "Allow"), "POST");
    assert_int_equal(call("POST", "/time", NULL, "x", 1), 405);
}

static void a_repeat_with_its_key_is_the_same_batch(void **state)
{
    static const char *const headers[] = { AUTHORIZATION, "Content-Type: application/json", "Idempotency-Key: k1",
        NULL };
    static const char body[] = "{\"sensor_id\":\"P1\",\"value\":3.5}";
    char first[64];
    (void)state;
    assert_int_equal(call("POST", "/ingest/v1/readings", headers, body, sizeof body - 1), 202);
    snprintf(first, sizeof first, "%s", answer.data); /* {"batch_id":"...": as far as that */
    assert_int_equal(call("POST", "/ingest/v1/readings", headers, body, sizeof body - 1), 200);
    assert_memory_equal(answer.data, first, strlen("{\"batch_id\":\"") + 36);
    answer_has("\"duplicate\":true");
    assert_int_equal(call("POST", "/ingest/v1/readings", headers, "[]", 2), 422);
    answer_has("idempotency-key-reused");
    assert_non_null(next_batch());
    AUTO(bus_message) message = NULL;
    must(bus_consumer_next(readings_consumer, 100, &message, &err), &err);
    assert_null(message);
}

struct caller {
    pthread_t thread;
    pthread_barrier_t *both;
    int port, status;
    const char *key;
    char answer[256];
};

static void *call_at_once(void *context)
{
    struct caller *caller = context;
    AUTO(http_client) own = NULL;
    AUTO_INPLACE(buffer) said = { 0 };
    struct err failed = { 0 };
    char url[128], key[64];
    const char *const headers[] = { AUTHORIZATION, "Content-Type: application/json", key, NULL };
    static const char body[] = "{\"sensor_id\":\"P1\",\"value\":3.5}"; /* gets the time of whoever takes it */
    snprintf(url, sizeof url, "http://127.0.0.1:%d/ingest/v1/readings", caller->port);
    snprintf(key, sizeof key, "Idempotency-Key: %s", caller->key);
    bool is_open = http_client_open(&own, &failed);
    pthread_barrier_wait(caller->both);
    if (is_open && http_client_call(own,
                       &(struct http_call){ .method = "POST",
                           .url = url,
                           .headers = headers,
                           .body = body,
                           .size = sizeof body - 1,
                           .timeout_ms = 10000 },
                       &caller->status, &said, &failed))
        snprintf(caller->answer, sizeof caller->answer, "%.*s", (int)said.size, (const char *)said.data);
    return NULL;
}

static void a_key_that_comes_to_two_replicas_at_once_is_stored_once(void **state)
{
    enum { KEYS = 25 };
    int first_port = port, news = 0;
    pid_t first = service;
    (void)state;
    start_service(); /* the other replica */
    for (int i = 0; i < KEYS; i++) {
        char key[24];
        pthread_barrier_t both;
        struct caller callers[2] = { { .port = first_port }, { .port = port } };
        snprintf(key, sizeof key, "both-%d", i);
        pthread_barrier_init(&both, NULL, 2);
        for (int k = 0; k < 2; k++) {
            callers[k].both = &both;
            callers[k].key = key;
            assert_int_equal(pthread_create(&callers[k].thread, NULL, call_at_once, &callers[k]), 0);
        }
        for (int k = 0; k < 2; k++) {
            pthread_join(callers[k].thread, NULL);
            assert_true(callers[k].status == 202 || callers[k].status == 200);
            news += callers[k].status == 202;
        }
        pthread_barrier_destroy(&both);
        assert_memory_equal(callers[0].answer, callers[1].answer, strlen("{\"batch_id\":\"") + 36);
    }
    assert_int_equal(news, KEYS); /* of each two one is told that the other was first */
    for (int i = 0; i < KEYS; i++)
        assert_non_null(next_batch());
    assert_null(next_batch());
    test_process_end(service, SIGKILL);
    service = first;
    port = first_port;
}

static void guesses_are_bounded_and_do_not_shut_others_out(void **state)
{
    static const char *const none[] = { "Content-Type: application/json", NULL };
    int status = 0;
    (void)state;
    assert_int_equal(post("{\"sensor_id\":\"P1\",\"value\":1}"), 202);
    assert_non_null(next_batch());
    assert_int_equal(call("POST", "/ingest/v1/readings", none, "[]", 2), 401);
    assert_string_equal(http_client_header(client, "WWW-Authenticate"), "Bearer realm=\"nwims\"");
    for (int i = 0; i < 6; i++) {
        char token[64];
        const char *const headers[] = { token, NULL };
        snprintf(token, sizeof token, "Authorization: Bearer guess-%d", i);
        status = call("POST", "/ingest/v1/readings", headers, "[]", 2);
        assert_int_equal(status, i < 5 ? 401 : 429);
    }
    there_is_a_time_to_come_again();
    answer_has("too-many-failures");
    const char *const elsewhere[] = { "Authorization: Bearer guess", "X-Forwarded-For: 198.51.100.8", NULL };
    assert_int_equal(call("POST", "/ingest/v1/readings", elsewhere, "[]", 2), 401);
    assert_int_equal(
        post("{\"sensor_id\":\"P1\",\"value\":1}"), 202); /* from the same address, with a token that is known */
    assert_non_null(next_batch());
}

static void a_revoked_token_is_dead_at_once(void **state)
{
    static const char *const headers[] = { AUTHORIZATION, "Content-Type: application/json",
        "X-Forwarded-For: 198.51.100.9", NULL };
    static const char body[] = "{\"sensor_id\":\"P1\",\"value\":1}";
    (void)state;
    assert_int_equal(call("POST", "/ingest/v1/readings", headers, body, sizeof body - 1), 202);
    assert_non_null(next_batch());
    atomic_store(&stack.registry.credential_is_gone, true);
    stack_tell(&stack, "credential", STACK_CREDENTIAL, NULL, STACK_TOKEN);
    clock_sleep_ms(100);
    assert_int_equal(call("POST", "/ingest/v1/readings", headers, body, sizeof body - 1), 401);
    atomic_store(&stack.registry.credential_is_gone, false);
    stack_tell(&stack, "credential", STACK_CREDENTIAL, NULL, STACK_TOKEN);
    clock_sleep_ms(100);
    assert_int_equal(call("POST", "/ingest/v1/readings", headers, body, sizeof body - 1), 202);
    assert_non_null(next_batch());
}

static int post_from(const char *address, const char *body)
{
    char forwarded[64];
    const char *const headers[] = { AUTHORIZATION, "Content-Type: application/json", forwarded, NULL };
    snprintf(forwarded, sizeof forwarded, "X-Forwarded-For: %s", address);
    return call("POST", "/ingest/v1/readings", headers, body, strlen(body));
}

static void what_is_full_or_away_is_said_with_a_time(void **state)
{
    struct bus_stream small = {
        .name = "READINGS", .subjects = { "readings.>" }, .max_bytes = 500, .duplicate_window_ms = 60000
    };
    int status = 202;
    (void)state;
    atomic_store(&stack.registry.is_broken, true);
    assert_int_equal(post_from("198.51.100.10", "{\"sensor_id\":\"NEVER-SEEN\",\"value\":1}"), 503);
    there_is_a_time_to_come_again();
    assert_int_equal(post_from("198.51.100.10", "{\"sensor_id\":\"P1\",\"value\":1}"), 202); /* what is known goes on */
    atomic_store(&stack.registry.is_broken, false);
    must(bus_stream_ensure(stack.bus, &small, &err), &err);
    for (int i = 0; i < 20 && status == 202; i++)
        status = post_from("198.51.100.10", "{\"sensor_id\":\"P1\",\"value\":1}");
    must(streams_ensure(stack.bus, &err), &err);
    assert_int_equal(status, 429);
    there_is_a_time_to_come_again();
    test_process_end(stack.nats.pid, SIGKILL);
    status = post_from("198.51.100.10", "{\"sensor_id\":\"P1\",\"value\":1}");
    assert_int_equal(status, 503);
    there_is_a_time_to_come_again();
    test_nats_restart(&stack.nats);
    for (int i = 0; i < 100 && status != 202; i++) {
        clock_sleep_ms(100);
        status = post_from("198.51.100.10", "{\"sensor_id\":\"P1\",\"value\":1}");
    }
    assert_int_equal(status, 202);
}

static void it_ends_when_told_to(void **state)
{
    int status = -1;
    (void)state;
    assert_int_equal(kill(service, SIGTERM), 0);
    for (int i = 0; i < 100 && waitpid(service, &status, WNOHANG) == 0; i++)
        clock_sleep_ms(50);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_are_accepted_when_the_stream_has_them),
        cmocka_unit_test(every_way_to_name_the_token_and_the_path_is_taken),
        cmocka_unit_test(senml_is_taken),
        cmocka_unit_test(bad_readings_are_told_beside_good_ones),
        cmocka_unit_test(only_bad_readings_are_a_problem),
        cmocka_unit_test(a_malformed_body_is_refused_and_kept),
        cmocka_unit_test(other_forms_and_large_bodies_are_refused),
        cmocka_unit_test(paths_and_methods_are_checked),
        cmocka_unit_test(a_repeat_with_its_key_is_the_same_batch),
        cmocka_unit_test(a_key_that_comes_to_two_replicas_at_once_is_stored_once),
        cmocka_unit_test(guesses_are_bounded_and_do_not_shut_others_out),
        cmocka_unit_test(a_revoked_token_is_dead_at_once),
        cmocka_unit_test(what_is_full_or_away_is_said_with_a_time),
        cmocka_unit_test(it_ends_when_told_to),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
