#include "front/workers.h"
#include "base/queue.h"
#include "metrics/metrics.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct workers {
    struct queue *queue;
    size_t arena_bytes, count;
    pthread_t *threads;
    struct metric *waiting;
};

static void *work(void *context)
{
    struct workers *workers = context;
    struct arena arena;
    struct job *job;
    arena_init(&arena, workers->arena_bytes);
    while ((job = queue_pop(workers->queue, -1))) {
        metric_set(workers->waiting, (double)queue_count(workers->queue));
        arena_reset(&arena);
        job->run(job, &arena);
    }
    arena_done(&arena);
    return NULL;
}

static void workers_auto(struct workers **workers)
{
    workers_close(*workers);
}

bool workers_open(struct workers **out_workers, const char *name, size_t threads, size_t most_waiting,
    size_t arena_bytes, struct err *err)
{
    char label[32];
    __attribute__((cleanup(workers_auto))) struct workers *workers = calloc(1, sizeof *workers);
    if (!workers || !(workers->queue = queue_new(most_waiting)) ||
        !(workers->threads = calloc(threads, sizeof *workers->threads)))
        return err_set(err, ERR_LIMIT, "no memory for workers");
    workers->arena_bytes = arena_bytes;
    snprintf(label, sizeof label, "workers=\"%.15s\"", name);
    workers->waiting = metrics_gauge("nwims_ingest_jobs_waiting", label, "What waits for a worker");
    for (; workers->count < threads; workers->count++) {
        int failed = pthread_create(&workers->threads[workers->count], NULL, work, workers);
        if (failed != 0)
            return err_set(err, ERR_LIMIT, "no thread for a worker: %s", strerror(failed));
        pthread_setname_np(workers->threads[workers->count], name);
    }
    *out_workers = TAKE(workers);
    return true;
}

void workers_stop(struct workers *workers)
{
    if (!workers)
        return;
    if (workers->queue)
        queue_close(workers->queue);
    for (size_t i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    workers->count = 0;
}

void workers_close(struct workers *workers)
{
    workers_stop(workers);
    if (!workers)
        return;
    queue_free(workers->queue);
    free(workers->threads);
    free(workers);
}

bool workers_do(struct workers *workers, struct job *job)
{
    return queue_push(workers->queue, job, 0);
}
