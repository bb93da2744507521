/* nwims-device-load: many devices over MQTT or NWT/1, one reading a message: says how fast they were acknowledged. One
 * line of JSON when all are connected, one at the end. */
#include "base/clock.h"
#include "dialect.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_TOKENS = 20000, CONNECT_WAIT_MS = 120000, LAST_WAIT_MS = 20000, PAUSE_MS = 5000 };

static const char help[] =
    "nwims-device-load --port P --tokens FILE --prefix SENSOR --sensors N --connections N [--host 127.0.0.1] [--tls] "
    "[--nwt]\n"
    "    [--window 4] [--rate messages a second, 0: as fast as they are acknowledged] [--warm-up seconds] [--seconds "
    "S]\n"
    "    [--start milliseconds since the epoch] [--hold seconds to do nothing after connecting] [--at-a-time "
    "connections under way, 256]\n"
    "    [--returns how often all hang up and come back after connecting] [--forgets: without the tickets of TLS]\n";

struct options {
    struct fleet_config fleet;
    const char *token_file;
    double seconds, warm_up, rate, hold;
    size_t at_a_time, returns;
    bool with_tls;
};

static size_t read_tokens(const char *path, char (*tokens)[FLEET_TOKEN_SIZE])
{
    FILE *file = fopen(path, "re");
    size_t count = 0;
    while (file && count < MOST_TOKENS && fgets(tokens[count], FLEET_TOKEN_SIZE, file)) {
        tokens[count][strcspn(tokens[count], "\r\n")] = '\0';
        count += tokens[count][0] != '\0';
    }
    if (file)
        fclose(file);
    return count;
}

/* Until end_us at the wanted rate; says how long it really was. */
static double run_for(struct fleet *fleet, double seconds, double rate)
{
    int64_t began_us = clock_monotonic_us(), end_us = began_us + (int64_t)(seconds * 1e6), now_us = began_us;
    uint64_t sent_before = fleet_counts(fleet)->sent;
    while (now_us < end_us && fleet_counts(fleet)->connected > 0) {
        double due = rate > 0 ? (double)(now_us - began_us) / 1e6 * rate : 1e18;
        double sent = (double)(fleet_counts(fleet)->sent - sent_before);
        fleet_turn(fleet, due > sent ? (due - sent > 1e6 ? 1000000 : (uint64_t)(due - sent)) : 0, 1);
        now_us = clock_monotonic_us();
    }
    return (double)(now_us - began_us) / 1e6;
}

static void wait_for_last(struct fleet *fleet)
{
    int64_t end_us = clock_monotonic_us() + LAST_WAIT_MS * INT64_C(1000);
    const struct fleet_counts *counts = fleet_counts(fleet);
    while (counts->acknowledged < counts->sent && counts->connected > 0 && clock_monotonic_us() < end_us)
        fleet_turn(fleet, 0, 10);
}

/* Says how it went. */
static bool come_in(const struct options *options, struct fleet *fleet)
{
    int64_t began_us = clock_monotonic_us();
    clock_t began = clock();
    const struct fleet_counts *counts = fleet_counts(fleet);
    uint64_t lost = counts->lost, resumed = counts->resumed;
    bool all_in = fleet_connect(fleet, options->at_a_time, CONNECT_WAIT_MS);
    printf("{\"connected\": %zu, \"connect_seconds\": %.3f, \"processor_seconds\": %.3f, \"lost\": %llu, "
           "\"resumed\": %llu}\n",
        counts->connected, (double)(clock_monotonic_us() - began_us) / 1e6, (double)(clock() - began) / CLOCKS_PER_SEC,
        (unsigned long long)(counts->lost - lost), (unsigned long long)(counts->resumed - resumed));
    fflush(stdout);
    return all_in;
}

static int measure(const struct options *options, struct fleet *fleet)
{
    const struct fleet_counts *counts = fleet_counts(fleet);
    if (!come_in(options, fleet))
        return 1;
    for (size_t i = 0; i < options->returns; i++) {
        clock_sleep_ms(PAUSE_MS);
        fleet_hang_up(fleet);
        if (!come_in(options, fleet))
            return 1;
    }
    if (options->hold > 0)
        clock_sleep_ms((int64_t)(options->hold * 1000));
    if (options->seconds <= 0)
        return 0;
    run_for(fleet, options->warm_up, options->rate);
    fleet_forget(fleet);
    uint64_t acknowledged = counts->acknowledged;
    double seconds = run_for(fleet, options->seconds, options->rate);
    double rate = (double)(counts->acknowledged - acknowledged) / seconds;
    wait_for_last(fleet);
    printf("{\"messages_per_second\": %.1f, \"sent\": %llu, \"acknowledged\": %llu, \"lost_connections\": %llu, "
           "\"p50_ms\": %.2f, \"p99_ms\": %.2f, \"most_ms\": %.2f}\n",
        rate, (unsigned long long)counts->sent, (unsigned long long)counts->acknowledged,
        (unsigned long long)counts->lost, fleet_latency_ms(fleet, 0.5), fleet_latency_ms(fleet, 0.99),
        fleet_latency_ms(fleet, 1));
    return 0;
}

static bool read_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = { { "host", required_argument, NULL, 'h' },
        { "port", required_argument, NULL, 'p' }, { "tokens", required_argument, NULL, 't' },
        { "prefix", required_argument, NULL, 'x' }, { "sensors", required_argument, NULL, 's' },
        { "connections", required_argument, NULL, 'c' }, { "window", required_argument, NULL, 'w' },
        { "rate", required_argument, NULL, 'r' }, { "seconds", required_argument, NULL, 'S' },
        { "warm-up", required_argument, NULL, 'W' }, { "start", required_argument, NULL, 'b' },
        { "hold", required_argument, NULL, 'H' }, { "at-a-time", required_argument, NULL, 'A' },
        { "returns", required_argument, NULL, 'R' }, { "tls", no_argument, NULL, 'T' },
        { "nwt", no_argument, NULL, 'N' }, { "forgets", no_argument, NULL, 'F' }, { 0 } };
    *options = (struct options){
        .fleet = { .dialect = &dialect_mqtt, .host = "127.0.0.1", .window = 4, .start_ms = 1577836800000 },
        .at_a_time = 256
    };
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'h':
            options->fleet.host = optarg;
            break;
        case 'p':
            options->fleet.port = atoi(optarg);
            break;
        case 't':
            options->token_file = optarg;
            break;
        case 'x':
            options->fleet.sensor_prefix = optarg;
            break;
        case 's':
            options->fleet.sensor_count = strtoul(optarg, NULL, 10);
            break;
        case 'c':
            options->fleet.count = strtoul(optarg, NULL, 10);
            break;
        case 'w':
            options->fleet.window = strtoul(optarg, NULL, 10);
            break;
        case 'r':
            options->rate = strtod(optarg, NULL);
            break;
        case 'S':
            options->seconds = strtod(optarg, NULL);
            break;
        case 'W':
            options->warm_up = strtod(optarg, NULL);
            break;
        case 'b':
            options->fleet.start_ms = strtoll(optarg, NULL, 10);
            break;
        case 'H':
            options->hold = strtod(optarg, NULL);
            break;
        case 'A':
            options->at_a_time = strtoul(optarg, NULL, 10);
            break;
        case 'R':
            options->returns = strtoul(optarg, NULL, 10);
            break;
        case 'T':
            options->with_tls = true;
            break;
        case 'F':
            options->fleet.forgets_tickets = true;
            break;
        case 'N':
            options->fleet.dialect = &dialect_nwt;
            break;
        default:
            return false;
        }
    }
    return options->fleet.port > 0 && options->token_file && options->fleet.sensor_prefix &&
           options->fleet.sensor_count > 0 && options->fleet.count > 0 && options->fleet.window > 0 &&
           options->fleet.window <= FLEET_MOST_WINDOW;
}

int main(int argc, char **argv)
{
    static char tokens[MOST_TOKENS][FLEET_TOKEN_SIZE];
    struct options options;
    if (!read_options(&options, argc, argv)) {
        fputs(help, stderr);
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    options.fleet.tokens = (const char(*)[FLEET_TOKEN_SIZE])tokens;
    options.fleet.token_count = read_tokens(options.token_file, tokens);
    options.fleet.tls =
        options.with_tls ? SSL_CTX_new(TLS_client_method()) : NULL; /* whose certificate is of no matter */
    struct fleet *fleet = options.fleet.token_count > 0 ? fleet_new(&options.fleet) : NULL;
    int code = fleet ? measure(&options, fleet) : 1;
    fleet_free(fleet);
    SSL_CTX_free(options.fleet.tls);
    return code;
}
