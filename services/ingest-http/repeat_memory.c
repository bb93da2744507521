#include "repeat_memory.h"
#include "auth/auth.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 65536 };
static const int64_t day_us = INT64_C(86400000000);

struct repeat_memory {
    pthread_mutex_t lock;
    struct place {
        struct repeat repeat;
        int64_t noted_us; /* 0: its readings were not taken yet */
        bool is_under_way;
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

/* One under way keeps its place: whoever meets it there with another key goes unnoted. */
enum repeat_outcome repeat_memory_begin(struct repeat_memory *memory, const struct repeat *repeat, int64_t now_us)
{
    struct place *place = &memory->places[place_of(repeat)];
    enum repeat_outcome outcome = REPEAT_MAY_GO;
    pthread_mutex_lock(&memory->lock);
    bool is_same_key = memcmp(place->repeat.key, repeat->key, sizeof repeat->key) == 0;
    bool is_same_body = memcmp(place->repeat.body, repeat->body, sizeof repeat->body) == 0;
    bool is_known = is_same_key && place->noted_us != 0 && now_us - place->noted_us < day_us;
    if (is_same_key && !is_same_body && (is_known || place->is_under_way)) {
        outcome = REPEAT_OTHER_BODY;
    } else if (is_same_key && place->is_under_way) {
        outcome = REPEAT_UNDER_WAY;
    } else if (!place->is_under_way) {
        *place = (struct place){ .repeat = *repeat, .noted_us = is_known ? place->noted_us : 0, .is_under_way = true };
    }
    pthread_mutex_unlock(&memory->lock);
    return outcome;
}

void repeat_memory_end(struct repeat_memory *memory, const struct repeat *repeat, bool was_taken, int64_t now_us)
{
    struct place *place = &memory->places[place_of(repeat)];
    pthread_mutex_lock(&memory->lock);
    if (memcmp(place->repeat.key, repeat->key, sizeof repeat->key) == 0) {
        place->is_under_way = false;
        if (was_taken)
            place->noted_us = now_us;
    }
    pthread_mutex_unlock(&memory->lock);
}
