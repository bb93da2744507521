#include "ingest/failure_gate.h"
#include "base/text.h"
#include "base/uuid.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 4096 };
static const int64_t minute_us = 60 * 1000000;

/* One place an address, by its hash under a secret seed; of two that meet in one the later has it. */
struct failure_gate {
    pthread_mutex_t lock;
    int64_t most;
    uint64_t seed;
    struct {
        uint64_t address;
        int64_t since_us;
        int64_t count;
    } places[PLACES];
};

struct failure_gate *failure_gate_new(int64_t most_a_minute)
{
    struct failure_gate *gate = calloc(1, sizeof *gate);
    if (!gate)
        return NULL;
    pthread_mutex_init(&gate->lock, NULL);
    gate->most = most_a_minute;
    random_bytes(&gate->seed, sizeof gate->seed);
    return gate;
}

void failure_gate_free(struct failure_gate *gate)
{
    if (!gate)
        return;
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

static uint64_t key_of(const struct failure_gate *gate, const char *address)
{
    return text_hash(address, strlen(address)) ^ gate->seed;
}

bool failure_gate_is_open(struct failure_gate *gate, const char *address, int64_t now_us)
{
    uint64_t key = key_of(gate, address);
    pthread_mutex_lock(&gate->lock);
    bool is_counted =
        gate->places[key % PLACES].address == key && now_us - gate->places[key % PLACES].since_us < minute_us;
    bool is_open = !is_counted || gate->places[key % PLACES].count < gate->most;
    pthread_mutex_unlock(&gate->lock);
    return is_open;
}

void failure_gate_count(struct failure_gate *gate, const char *address, int64_t now_us)
{
    uint64_t key = key_of(gate, address);
    pthread_mutex_lock(&gate->lock);
    bool is_counted =
        gate->places[key % PLACES].address == key && now_us - gate->places[key % PLACES].since_us < minute_us;
    if (!is_counted) {
        gate->places[key % PLACES].address = key;
        gate->places[key % PLACES].since_us = now_us;
        gate->places[key % PLACES].count = 0;
    }
    gate->places[key % PLACES].count++;
    pthread_mutex_unlock(&gate->lock);
}
