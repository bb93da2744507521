/* nwims-load: posts batches of readings over several connections and says how many were stored a second. The bodies are
 * made before the clock starts, so that NWIMS and what it is measured beside are driven by the same bytes at the same
 * cost. Prints one line of JSON. */
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/time_text.h"
#include "http/http_client.h"
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CONNECTIONS = 64 };

struct plan {
    const char *url, *token, *sensor_prefix;
    bool is_async; /* ask for an answer before the commit */
    int connections, calls, readings, sensors;
    int64_t start_us;
};

struct caller {
    const struct plan *plan;
    int number;
    struct buffer *bodies; /* one a call */
    int64_t *took_us;
    int failed;
    char fault[160];
    pthread_barrier_t *start;
};

/* Every reading has its own sensor and second, so that each is new to the table. */
static void make_body(struct buffer *body, const struct plan *plan, int64_t first)
{
    struct json_writer writer;
    json_writer_init(&writer, body);
    json_begin_array(&writer);
    for (int64_t i = first; i < first + plan->readings; i++) {
        char sensor[64], time[TIME_TEXT_SIZE];
        snprintf(sensor, sizeof sensor, "%s%05lld", plan->sensor_prefix, (long long)(i % plan->sensors));
        time_text_format(time, plan->start_us + i / plan->sensors * 1000000);
        json_begin_object(&writer);
        json_put_text(&writer, "sensor_id", sensor);
        json_key(&writer, "value");
        json_double(&writer, (double)(i * 7919 % 100000) / 1000);
        json_put_text(&writer, "unit", "bar");
        json_put_text(&writer, "timestamp", time);
        json_end_object(&writer);
    }
    json_end_array(&writer);
}

static void *run_caller(void *argument)
{
    struct caller *caller = argument;
    char authorization[4300];
    AUTO(http_client) client = NULL;
    struct err err = { 0 };
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", caller->plan->token);
    const char *const headers[] = { "Content-Type: application/json", authorization,
        caller->plan->is_async ? "Prefer: respond-async" : NULL, NULL };
    bool ok = http_client_open(&client, &err);
    pthread_barrier_wait(caller->start);
    for (int i = 0; ok && i < caller->plan->calls; i++) {
        AUTO_INPLACE(buffer) answer = { 0 };
        int status = 0;
        const struct http_call call = { .method = "POST",
            .url = caller->plan->url,
            .headers = headers,
            .body = caller->bodies[i].data,
            .size = caller->bodies[i].size,
            .timeout_ms = 60000 };
        int64_t before_us = clock_monotonic_us();
        if (!http_client_call(client, &call, &status, &answer, &err) || status / 100 != 2) {
            caller->failed++;
            snprintf(caller->fault, sizeof caller->fault, "%d %.100s %.40s", status, answer.data ? answer.data : "",
                err.text);
        }
        caller->took_us[i] = clock_monotonic_us() - before_us;
    }
    return NULL;
}

static int by_size(const void *left, const void *right)
{
    int64_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

static void report(const struct plan *plan, struct caller *callers, int64_t *took_us, double seconds)
{
    AUTO_INPLACE(buffer) out = { 0 };
    struct json_writer writer;
    size_t count = (size_t)plan->connections * (size_t)plan->calls;
    int failed = 0;
    const char *fault = "";
    for (int i = 0; i < plan->connections; i++) {
        failed += callers[i].failed;
        if (callers[i].failed)
            fault = callers[i].fault;
    }
    qsort(took_us, count, sizeof *took_us, by_size);
    json_writer_init(&writer, &out);
    json_begin_object(&writer);
    json_put_int(&writer, "readings", (int64_t)(count - (size_t)failed) * plan->readings);
    json_key(&writer, "seconds");
    json_double(&writer, seconds);
    json_key(&writer, "readings_per_second");
    json_double(&writer, (double)((count - (size_t)failed) * (size_t)plan->readings) / seconds);
    json_key(&writer, "p50_ms");
    json_double(&writer, (double)took_us[count / 2] / 1000);
    json_key(&writer, "p99_ms");
    json_double(&writer, (double)took_us[count * 99 / 100] / 1000);
    json_put_int(&writer, "failed_calls", failed);
    json_put_text(&writer, "fault", fault);
    json_end_object(&writer);
    puts(out.data);
}

static bool run(const struct plan *plan)
{
    static struct caller callers[MOST_CONNECTIONS];
    pthread_t threads[MOST_CONNECTIONS];
    pthread_barrier_t start;
    size_t count = (size_t)plan->connections * (size_t)plan->calls;
    struct buffer *bodies = calloc(count, sizeof *bodies);
    int64_t *took_us = calloc(count, sizeof *took_us);
    if (!bodies || !took_us)
        return false;
    /* Body i is call i % calls of caller i / calls. Time goes on from call to call, whoever makes it: readings come in
     * as sensors take them. */
    for (size_t i = 0; i < count; i++) {
        int64_t turn = (int64_t)(i % (size_t)plan->calls) * plan->connections + (int64_t)(i / (size_t)plan->calls);
        make_body(&bodies[i], plan, turn * plan->readings);
    }
    pthread_barrier_init(&start, NULL, (unsigned)plan->connections + 1);
    for (int i = 0; i < plan->connections; i++) {
        callers[i] = (struct caller){ .plan = plan,
            .number = i,
            .bodies = bodies + (size_t)i * (size_t)plan->calls,
            .took_us = took_us + (size_t)i * (size_t)plan->calls,
            .start = &start };
        pthread_create(&threads[i], NULL, run_caller, &callers[i]);
    }
    pthread_barrier_wait(&start);
    int64_t began_us = clock_monotonic_us();
    for (int i = 0; i < plan->connections; i++)
        pthread_join(threads[i], NULL);
    report(plan, callers, took_us, (double)(clock_monotonic_us() - began_us) / 1e6);
    for (size_t i = 0; i < count; i++)
        buffer_done(&bodies[i]);
    free(bodies);
    free(took_us);
    return true;
}

static int number(const char *text, int least, int most)
{
    long value = strtol(text, NULL, 10);
    return value < least ? least : value > most ? most : (int)value;
}

int main(int argc, char **argv)
{
    struct plan plan = {
        .connections = 16, .calls = 50, .readings = 1000, .sensors = 1000, .sensor_prefix = "BENCH-", .token = ""
    };
    static const struct option known[] = { { "url", required_argument, NULL, 'u' },
        { "token", required_argument, NULL, 't' }, { "connections", required_argument, NULL, 'c' },
        { "calls", required_argument, NULL, 'n' }, { "readings", required_argument, NULL, 'r' },
        { "sensors", required_argument, NULL, 's' }, { "prefix", required_argument, NULL, 'p' },
        { "start", required_argument, NULL, 'b' }, { "async", no_argument, NULL, 'a' }, { 0 } };
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'u':
            plan.url = optarg;
            break;
        case 't':
            plan.token = optarg;
            break;
        case 'c':
            plan.connections = number(optarg, 1, MOST_CONNECTIONS);
            break;
        case 'n':
            plan.calls = number(optarg, 1, 100000);
            break;
        case 'r':
            plan.readings = number(optarg, 1, 100000);
            break;
        case 's':
            plan.sensors = number(optarg, 1, 100000);
            break;
        case 'p':
            plan.sensor_prefix = optarg;
            break;
        case 'a':
            plan.is_async = true;
            break;
        case 'b':
            if (!time_text_parse(optarg, strlen(optarg), &plan.start_us))
                plan.url = NULL;
            break;
        default:
            plan.url = NULL;
        }
    if (!plan.url || plan.start_us == 0) {
        fputs("nwims-load --url URL --token T --start RFC3339 [--connections 16] [--calls 50 each] [--readings 1000 a "
              "call] [--sensors 1000] [--prefix BENCH-] [--async]\n",
            stderr);
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    return run(&plan) ? 0 : 1;
}
