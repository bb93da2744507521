/* nwims-copy: the limit that the writer is measured beside: binary COPY of the same rows into the same table, by one or
 * more clients, so many rows a transaction. Prints one line of JSON. Rows go straight into the partition named, as
 * batch-writer's do. */
#include "base/clock.h"
#include "base/time_text.h"
#include "store/copy_writer.h"
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLIENTS = 16 };

struct plan {
    const char *url, *table;
    int64_t rows, per_transaction, start_us;
    int clients, sensors, first_sensor;
};
struct client {
    const struct plan *plan;
    struct store *store;
    int number;
    bool ok;
    struct err err;
};

static bool copy_some(const struct plan *plan, struct store_session *session, const char *sql, int64_t first,
    int64_t count, struct err *err)
{
    AUTO(copy_writer) writer = NULL;
    int64_t rows, now_us = clock_now_us();
    if (!store_begin(session, 0, err) || !copy_writer_open(&writer, session, sql, err))
        return false;
    for (int64_t i = first; i < first + count; i++) {
        copy_writer_begin_row(writer, 7);
        copy_writer_put_time(writer, plan->start_us + i / plan->sensors * 1000000);
        copy_writer_put_time(writer, now_us);
        copy_writer_put_double(writer, (double)(i * 7919 % 100000) / 1000);
        copy_writer_put_int4(writer, plan->first_sensor + (int32_t)(i % plan->sensors));
        copy_writer_put_int4(writer, 1);
        copy_writer_put_null(writer);
        copy_writer_put_null(writer);
    }
    return copy_writer_finish(writer, &rows, err) && store_commit(session, err);
}

static void *run_client(void *argument)
{
    struct client *client = argument;
    const struct plan *plan = client->plan;
    AUTO(store_session) session = NULL;
    char sql[256];
    int64_t share = plan->rows / plan->clients, first = share * client->number;
    snprintf(sql, sizeof sql,
        "COPY %s (observed_at, received_at, value, sensor_no, tenant_id, status, flags) FROM STDIN (FORMAT binary)",
        plan->table);
    client->ok = store_session_open(&session, client->store, &client->err);
    for (int64_t done = 0; client->ok && done < share; done += plan->per_transaction)
        client->ok = copy_some(plan, session, sql, first + done,
            share - done < plan->per_transaction ? share - done : plan->per_transaction, &client->err);
    return NULL;
}

static int run(const struct plan *plan)
{
    static struct client clients[MOST_CLIENTS];
    pthread_t threads[MOST_CLIENTS];
    const struct store_config config = {
        .url = plan->url, .schema = "telemetry", .name = "nwims-copy", .pool_size = plan->clients, .wait_ms = 5000
    };
    AUTO(store) store = NULL;
    struct err err = { 0 };
    if (!store_open(&store, &config, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int64_t began_us = clock_monotonic_us();
    for (int i = 0; i < plan->clients; i++) {
        clients[i] = (struct client){ .plan = plan, .store = store, .number = i };
        pthread_create(&threads[i], NULL, run_client, &clients[i]);
    }
    bool ok = true;
    for (int i = 0; i < plan->clients; i++) {
        pthread_join(threads[i], NULL);
        ok = ok && clients[i].ok;
        if (!clients[i].ok)
            fprintf(stderr, "%s\n", clients[i].err.text);
    }
    double seconds = (double)(clock_monotonic_us() - began_us) / 1e6;
    printf("{\"rows\":%lld,\"seconds\":%.4f,\"rows_per_second\":%.0f}\n",
        (long long)(plan->rows / plan->clients * plan->clients), seconds, (double)plan->rows / seconds);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct plan plan = { .rows = 1000000, .per_transaction = 1000, .clients = 1, .sensors = 1000, .first_sensor = 1 };
    static const struct option known[] = { { "url", required_argument, NULL, 'u' },
        { "table", required_argument, NULL, 't' }, { "rows", required_argument, NULL, 'r' },
        { "per-transaction", required_argument, NULL, 'p' }, { "clients", required_argument, NULL, 'c' },
        { "sensors", required_argument, NULL, 's' }, { "start", required_argument, NULL, 'b' }, { 0 } };
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        long value = optarg ? strtol(optarg, NULL, 10) : 0;
        switch (option) {
        case 'u':
            plan.url = optarg;
            break;
        case 't':
            plan.table = optarg;
            break;
        case 'r':
            plan.rows = value;
            break;
        case 'p':
            plan.per_transaction = value;
            break;
        case 'c':
            plan.clients = value < 1 || value > MOST_CLIENTS ? 1 : (int)value;
            break;
        case 's':
            plan.sensors = value < 1 || value > 1000000 ? 1000 : (int)value;
            break;
        case 'b':
            if (!time_text_parse(optarg, strlen(optarg), &plan.start_us))
                plan.url = NULL;
            break;
        default:
            plan.url = NULL;
        }
    }
    if (!plan.url || !plan.table || plan.start_us == 0 || plan.per_transaction < 1 || plan.rows < 1) {
        fputs("nwims-copy --url URL --table PARTITION --start RFC3339 [--rows 1000000] [--per-transaction 1000] "
              "[--clients 1] [--sensors 1000]\n",
            stderr);
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    return run(&plan);
}
