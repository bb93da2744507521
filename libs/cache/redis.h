/* Redis behind a fence: a few connections, a time limit on every trip, a circuit breaker. Whatever happens to Redis, a
 * caller waits time_ms at most and is then told no; connecting, probing and mending happen on a thread of its own.
 * Hides hiredis. Any thread. */
#pragma once
#include "base/buffer.h"
#include "base/err.h"

struct redis;
struct redis_config {
    const char *address;  /* "127.0.0.1:6379"; "": there is no Redis, every trip says no */
    const char *user;     /* "" for none */
    const char *password; /* "" for none */
    int64_t time_ms;      /* of a trip: sending, waiting, reading */
    int64_t connections;
};
enum { REDIS_MOST_WORDS = 8, REDIS_MOST_COMMANDS = 64 };

struct redis_word {
    const void *data;
    size_t size;
};
struct redis_command {
    struct redis_word words[REDIS_MOST_WORDS];
    size_t count;
};
struct redis_answer {
    enum { REDIS_NIL, REDIS_TEXT, REDIS_NUMBER, REDIS_REFUSED } type; /* REFUSED: out of memory, not allowed, ... */
    int64_t number;
    size_t at, size; /* of a text (and of a refusal's), in the buffer of the trip */
};

/* Does not wait for Redis. ERR_CONFIG for an address that is none. */
MUST_CHECK bool redis_open(struct redis **out_redis, const struct redis_config *config, struct err *err);
void redis_close(struct redis *redis);
AUTO_DEFINE(redis, redis_close)
/* One trip with all the commands. False: no answer, and nothing is known about what was done; at once when the breaker
 * is open or every connection is busy. True: an answer for each, their texts appended to `texts`. */
MUST_CHECK bool redis_run(struct redis *redis, const struct redis_command *commands, size_t count,
    struct redis_answer *answers, struct buffer *texts);

enum redis_state { REDIS_ABSENT, REDIS_OPEN, REDIS_CLOSED }; /* of the breaker; CLOSED: all is well */
enum redis_state redis_state(const struct redis *redis);
const char *redis_state_name(enum redis_state state); /* "absent", "open", "closed" */
