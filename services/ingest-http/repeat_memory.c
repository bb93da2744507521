#include "repeat_memory.h"
#include "auth/auth.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 65536 };
static const int64_t day_us = INT64_C(86400000000);

struct repeat_memory {
    pthread_mutex_t lock;
    struct {
        struct repeat repeat;
        int64_t noted_us; /* 0: nothing is here */
    } places[PLACES];
};

struct repeat_memory *repeat_memory_new(void)
{
    struct repeat_memory *memory = calloc(1, sizeof *memory);
    if (memory)
        pthread_mutex_init(&memory->lock, NULL);
    return memory;
}

void repeat_memory_free(struct repeat_memory *memory)
{
    if (!memory)
        return;
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

struct repeat repeat_of(const char *device_id, const char *idempotency_key, const void *body, size_t size)
{
    struct repeat repeat;
    unsigned char both[2 * SHA256_SIZE];
    auth_sha256(both, device_id, strlen(device_id));
    auth_sha256(both + SHA256_SIZE, idempotency_key, strlen(idempotency_key));
    auth_sha256(repeat.key, both, sizeof both);
    auth_sha256(repeat.body, body, size);
    return repeat;
}

static size_t place_of(const struct repeat *repeat)
{
    return (size_t)repeat->key[0] << 8 | repeat->key[1];
}

bool repeat_memory_contradicts(struct repeat_memory *memory, const struct repeat *repeat, int64_t now_us)
{
    size_t place = place_of(repeat);
    pthread_mutex_lock(&memory->lock);
    bool is_known = memory->places[place].noted_us != 0 && now_us - memory->places[place].noted_us < day_us &&
                    memcmp(memory->places[place].repeat.key, repeat->key, sizeof repeat->key) == 0;
    bool contradicts = is_known && memcmp(memory->places[place].repeat.body, repeat->body, sizeof repeat->body) != 0;
    pthread_mutex_unlock(&memory->lock);
    return contradicts;
}

void repeat_memory_note(struct repeat_memory *memory, const struct repeat *repeat, int64_t now_us)
{
    size_t place = place_of(repeat);
    pthread_mutex_lock(&memory->lock);
    memory->places[place].repeat = *repeat;
    memory->places[place].noted_us = now_us;
    pthread_mutex_unlock(&memory->lock);
}
